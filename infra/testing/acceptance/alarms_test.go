package acceptance

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/offline"
	"escala/infra/testing/cloudfake"
)

const (
	topicType        = "aws:sns/topic:Topic"
	subscriptionType = "aws:sns/topicSubscription:TopicSubscription"
	metricAlarmType  = "aws:cloudwatch/metricAlarm:MetricAlarm"
	uptimeType       = "digitalocean:index/uptimeCheck:UptimeCheck"
	uptimeAlertType  = "digitalocean:index/uptimeAlert:UptimeAlert"
	monitorAlertType = "digitalocean:index/monitorAlert:MonitorAlert"
)

// toOps is a configuration that sends alarms to one address.
const toOps = "  escala:notify:\n    email: [ops@example.com]\n"

// watched returns the ids of the instances that have alarms.
func (s *stack) watched() []string {
	var ids []string
	for _, e := range s.there(metricAlarmType) {
		dimensions, _ := offline.Plain(e.Inputs)["dimensions"].(map[string]any)
		id, _ := dimensions["InstanceId"].(string)
		ids = append(ids, id)
	}
	return ids
}

// TestAWSAlarms checks that a machine's alarms follow the machine that serves.
func TestAWSAlarms(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	s := open(t, awsIn(account))
	s.mustUp()
	assert.Empty(t, s.there(metricAlarmType), "nobody to tell")
	assert.Empty(t, s.there(topicType))

	s.configure(toOps)
	s.mustUp()
	first := s.there(aws.machine)[0].ID
	assert.Equal(t, []string{first, first}, s.watched())
	assert.Equal(t, []string{"ops@example.com"}, column(s.there(subscriptionType), subscriptionType, "endpoint"))
	assert.Equal(t, 1, account.Met("email-waits-for-its-owner"))
	s.unchanged("while the address' owner has not answered")
	for _, e := range s.there(metricAlarmType) {
		actions, _ := offline.Plain(e.Inputs)["alarmActions"].([]any)
		require.Len(t, actions, 2)
		assert.Contains(t, []any{"arn:aws:automate:eu-central-1:ec2:recover", "arn:aws:automate:eu-central-1:ec2:reboot"}, actions[0])
	}

	// A machine that never serves gets no alarms. They stay with the serving
	// machine.
	s.world.broken = func(userData string) string {
		if strings.Contains(userData, "DATABASE") {
			return "no database"
		}
		return ""
	}
	s.configure(toOps + "  escala:service:\n    env:\n      DATABASE: nowhere\n")
	_, err := s.up()
	require.Error(t, err)
	assert.Equal(t, []string{first, first}, s.watched())

	before := len(s.asked.Events())
	s.configure(toOps + "  escala:service:\n    env:\n      GREETING: hello\n")
	s.mustUp()
	moved := s.changes(before)
	assert.Less(t, kinds(moved, "create", aws.association)[0], kinds(moved, "update", metricAlarmType)[0], "the alarms move after the address")
	second := s.there(aws.machine)[0].ID
	assert.NotEqual(t, first, second)
	assert.Equal(t, []string{second, second}, s.watched())

	s.configure("")
	s.mustUp()
	assert.Empty(t, s.there(metricAlarmType))
	assert.Empty(t, s.there(topicType))
}

// TestDigitalOceanAlarms checks a Droplet's alarms from their creation to their
// removal.
func TestDigitalOceanAlarms(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewDigitalOcean()
	account.DefaultVPC("fra1")
	s := openDroplet(t, account)
	first := s.mustUp()
	assert.Empty(t, s.there(uptimeType), "nobody to tell")

	s.configure(toOps)
	_, err := s.up()
	require.Error(t, err)
	assert.NotZero(t, account.Met("alert-email-is-verified"))
	assert.Contains(t, s.log.String(), "ops@example.com is not verified")

	account.Verify("ops@example.com")
	s.mustUp()
	require.Len(t, s.there(uptimeType), 1)
	check := s.there(uptimeType)[0]
	assert.Equal(t, first["url"].(string)+"/ready", text(check, "target"))
	assert.Equal(t, "http", text(check, "type"))
	assert.Equal(t, []string{"down_global"}, column(s.there(uptimeAlertType), uptimeAlertType, "type"), "without HTTPS no certificate runs out")
	assert.Zero(t, account.Met("down-alert-has-its-threshold"))
	assert.Empty(t, s.there(monitorAlertType), "the figures need digitalocean.monitoring")
	s.unchanged("with alarms")

	before := len(s.asked.Events())
	s.configure(toOps + "  escala:digitalocean:\n    monitoring: true\n")
	s.mustUp()
	assert.Equal(t, []string{"v1/insights/droplet/cpu", "v1/insights/droplet/disk_utilization_percent", "v1/insights/droplet/memory_utilization_percent"},
		column(s.there(monitorAlertType), monitorAlertType, "type"))
	assert.Empty(t, kinds(s.changes(before), "update", uptimeType), "the address stays, and so does its check")
	s.unchanged("with alarms on the machine")

	s.configure("  escala:digitalocean:\n    monitoring: true\n")
	s.mustUp()
	assert.Empty(t, s.there(uptimeType))
	assert.Empty(t, s.there(monitorAlertType))
}
