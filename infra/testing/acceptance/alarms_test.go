package acceptance

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/offline"
	"escala/infra/testing/cloudfake"
	"escala/infra/testing/fakecluster"
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

// alarmedInstances returns the ids of the instances that have alarms.
func (s *stack) alarmedInstances() []string {
	var ids []string
	for _, e := range s.existingOf(metricAlarmType) {
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
	assert.Empty(t, s.existingOf(metricAlarmType), "nobody to tell")
	assert.Empty(t, s.existingOf(topicType))

	s.configure(toOps)
	s.mustUp()
	first := s.existingOf(aws.machine)[0].ID
	assert.Equal(t, []string{first, first}, s.alarmedInstances())
	assert.Equal(t, []string{"ops@example.com"}, column(s.existingOf(subscriptionType), subscriptionType, "endpoint"))
	assert.Equal(t, 1, account.Occurrences("email-waits-for-its-owner"))
	s.unchanged("while the address' owner has not answered")
	for _, e := range s.existingOf(metricAlarmType) {
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
	assert.Equal(t, []string{first, first}, s.alarmedInstances())

	before := len(s.cloudProvider.Events())
	s.configure(toOps + "  escala:service:\n    env:\n      GREETING: hello\n")
	s.mustUp()
	moved := s.changes(before)
	assert.Less(t, kinds(moved, "create", aws.association)[0], kinds(moved, "update", metricAlarmType)[0], "the alarms move after the address")
	second := s.existingOf(aws.machine)[0].ID
	assert.NotEqual(t, first, second)
	assert.Equal(t, []string{second, second}, s.alarmedInstances())

	s.configure("")
	s.mustUp()
	assert.Empty(t, s.existingOf(metricAlarmType))
	assert.Empty(t, s.existingOf(topicType))
}

// watchedIn returns the values of a dimension that alarms watch, without repetitions.
func (m *managedStack) watchedIn(dimension string) []string {
	var values []string
	for _, e := range m.existingOf(metricAlarmType) {
		plain := offline.Plain(e.Inputs)
		sets := []any{plain["dimensions"]}
		queries, _ := plain["metricQueries"].([]any)
		for _, query := range queries {
			metric, _ := query.(map[string]any)["metric"].(map[string]any)
			sets = append(sets, metric["dimensions"])
		}
		for _, set := range sets {
			if of, _ := set.(map[string]any); of[dimension] != nil {
				values = append(values, of[dimension].(string))
			}
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// TestEKSAlarms checks the life of the alarms of a cluster on AWS. They watch the
// load balancer that the cluster makes, whose name is known only once the release
// serves, and they go before what they watch.
func TestEKSAlarms(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	c := eks
	c.aws = account
	m := openManaged(t, c)
	first := m.mustUp()
	assert.Empty(t, m.existingOf(metricAlarmType), "no address")
	assert.Empty(t, m.existingOf(topicType))
	assert.NotContains(t, first, "address")

	// A release that does not serve makes no alarms, and the next one does.
	m.cluster.Fails = func(string) fakecluster.Trouble {
		return fakecluster.Trouble{Ended: "Error", ExitCode: 2, Restarts: 3}
	}
	m.describe("", toOps, "  escala:service:\n    env:\n      GREETING: first\n")
	_, err := m.up()
	require.Error(t, err)
	assert.Empty(t, m.existingOf(metricAlarmType))
	m.cluster.Fails = nil
	m.describe("", toOps)
	// Who may not look up the load balancer can preview the alarms. The update fails
	// after the release serves.
	account.HideBalancers(true)
	_, err = m.preview()
	require.NoError(t, err)
	_, err = m.up()
	require.Error(t, err)
	assert.Contains(t, m.log.String(), "the release serves, but its alarms are not made, since AWS does not show the load balancer "+m.cluster.Hostname)
	assert.Positive(t, account.Occurrences("balancer-is-not-found"))
	account.HideBalancers(false)

	second := m.mustUp()
	assert.Equal(t, m.cluster.Hostname, second["address"])
	assert.Equal(t, []string{cloudfake.BalancerDimension(m.cluster.Hostname)}, m.watchedIn("LoadBalancer"))
	assert.Equal(t, []string{text(m.existingOf(eks.cluster)[0], "name")}, m.watchedIn("ClusterName"))
	assert.Equal(t, []string{"ops@example.com"}, column(m.existingOf(subscriptionType), subscriptionType, "endpoint"))
	assert.Equal(t, 1, account.Occurrences("email-waits-for-its-owner"))
	assert.Zero(t, account.Occurrences("expression-stands-alone"))
	m.unchanged("with alarms")
	m.refreshesClean()

	// A preview does not need the load balancer.
	account.HideBalancers(true)
	_, err = m.preview()
	require.NoError(t, err)
	account.HideBalancers(false)

	// A release changes no alarm. A service with another name has another cluster and
	// another load balancer, and alarms of its own.
	before := m.mark()
	m.release("second")
	m.mustUp()
	assert.Equal(t, []string{"update " + deploymentType + " api-deployment"}, m.since(before))
	m.rename(t, "shop")
	m.describe("", toOps, "  escala:service:\n    name: shop\n")
	m.mustUp()
	hostname := m.others["shop"].cluster.Hostname
	assert.Equal(t, []string{cloudfake.BalancerDimension(hostname)}, m.watchedIn("LoadBalancer"))
	m.refreshesClean()

	// The cluster makes another load balancer for the same Ingress.
	another := strings.Replace(hostname, "0123456789-", "9876543210-", 1)
	m.others["shop"].cluster.Hostname = another
	account.Balance("shop", another)
	before = m.mark()
	moved := m.mustUp()
	assert.Equal(t, another, moved["address"])
	assert.Equal(t, []string{"update " + metricAlarmType + " shop-balancer-errors", "update " + metricAlarmType + " shop-service-errors"}, slices.Sorted(slices.Values(m.since(before))))
	assert.Equal(t, []string{cloudfake.BalancerDimension(another)}, m.watchedIn("LoadBalancer"))
	m.unchanged("with another load balancer")

	m.describe("", "  escala:service:\n    name: shop\n")
	gone := m.mustUp()
	assert.Empty(t, m.existingOf(metricAlarmType))
	assert.Empty(t, m.existingOf(topicType))
	assert.NotContains(t, gone, "address")

	m.describe("", toOps, "  escala:service:\n    name: shop\n")
	m.mustUp()
	before = m.mark()
	require.NoError(t, m.destroy(), "in one go")
	inOrder(t, m.since(before), "delete", metricAlarmType, "kubernetes:networking.k8s.io/v1:Ingress", eks.cluster)
	assert.Empty(t, account.All())
	assert.Zero(t, account.Occurrences("alarm-watches-nothing"), "each alarm watches what exists")
}

// TestDigitalOceanAlarms checks a Droplet's alarms from their creation to their
// removal.
func TestDigitalOceanAlarms(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewDigitalOcean()
	account.DefaultVPC("fra1")
	s := openDroplet(t, account)
	first := s.mustUp()
	assert.Empty(t, s.existingOf(uptimeType), "nobody to tell")

	s.configure(toOps)
	_, err := s.up()
	require.Error(t, err)
	assert.NotZero(t, account.Occurrences("alert-email-is-verified"))
	assert.Contains(t, s.log.String(), "ops@example.com is not verified")

	account.Verify("ops@example.com")
	s.mustUp()
	require.Len(t, s.existingOf(uptimeType), 1)
	check := s.existingOf(uptimeType)[0]
	assert.Equal(t, first["url"].(string)+"/ready", text(check, "target"))
	assert.Equal(t, "http", text(check, "type"))
	assert.Equal(t, []string{"down_global"}, column(s.existingOf(uptimeAlertType), uptimeAlertType, "type"), "without HTTPS no certificate runs out")
	assert.Zero(t, account.Occurrences("down-alert-has-its-threshold"))
	assert.Empty(t, s.existingOf(monitorAlertType), "the figures need digitalocean.monitoring")
	s.unchanged("with alarms")

	before := len(s.cloudProvider.Events())
	s.configure(toOps + "  escala:digitalocean:\n    monitoring: true\n")
	s.mustUp()
	assert.Equal(t, []string{"v1/insights/droplet/cpu", "v1/insights/droplet/disk_utilization_percent", "v1/insights/droplet/memory_utilization_percent"},
		column(s.existingOf(monitorAlertType), monitorAlertType, "type"))
	assert.Empty(t, kinds(s.changes(before), "update", uptimeType), "the address stays, and so does its check")
	s.unchanged("with alarms on the machine")

	s.configure("  escala:digitalocean:\n    monitoring: true\n")
	s.mustUp()
	assert.Empty(t, s.existingOf(uptimeType))
	assert.Empty(t, s.existingOf(monitorAlertType))
}
