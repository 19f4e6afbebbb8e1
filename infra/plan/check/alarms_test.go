package check

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"escala/infra/plan"
)

func TestWhoIsTold(t *testing.T) {
	droplet := res("digitalocean:index/droplet:Droplet", "vm", m{})
	watched := res("digitalocean:index/uptimeCheck:UptimeCheck", "uptime", m{})
	for name, one := range map[string]struct {
		resources []plan.Resource
		want      []string
	}{
		"nobody": {[]plan.Resource{droplet}, []string{"notify.email is not set: the stack makes no alarms, and nobody is told when the service is down"}},
		"nobody, of an instance": {
			[]plan.Resource{res("aws:ec2/instance:Instance", "i", m{})},
			[]string{"notify.email is not set: the stack makes no alarms, and nobody is told when the service is down"},
		},
		"nobody, of a cluster of its own": {
			[]plan.Resource{res("aws:eks/cluster:Cluster", "c", m{})},
			[]string{"notify.email is not set: the stack makes no alarms, and nobody is told when the service is down"},
		},
		"that the service is down":               {[]plan.Resource{droplet, watched}, []string{"vm has no alarms on CPU, memory and disk: they need digitalocean.monitoring"}},
		"everything":                             {[]plan.Resource{res("digitalocean:index/droplet:Droplet", "vm", m{"monitoring": true}), watched}, nil},
		"a cluster of others has its own alarms": {[]plan.Resource{res("kubernetes:apps/v1:Deployment", "api", m{})}, nil},
		"an address that AWS has to ask for consent": {
			[]plan.Resource{
				res("aws:ec2/instance:Instance", "i", m{}), res("aws:cloudwatch/metricAlarm:MetricAlarm", "a", m{}),
				res("aws:sns/topicSubscription:TopicSubscription", "s", m{"protocol": "email", "endpoint": "ops@example.com"}),
			},
			[]string{"notify.email ops@example.com gets alarms once its owner has followed the link that AWS sends it"},
		},
	} {
		s := &subject{Stack: plan.Stack{Resources: one.resources}}
		alarms(t.Context(), s)
		var got []string
		for _, f := range s.findings {
			assert.Equal(t, plan.Notice, f.Level)
			got = append(got, f.Where+" "+f.What)
		}
		assert.Equal(t, one.want, got, name)
	}
}
