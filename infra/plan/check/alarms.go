package check

import (
	"context"

	"escala/infra/plan"
	"escala/infra/plan/values"
)

// notify is the key of the settings of alarms.
const notify = "notify.email"

// alarms reports a stack that sends no alarms, and the steps that an address needs
// first. These are notices: a stack without alarms works.
func alarms(_ context.Context, s *subject) {
	droplets := s.byType("digitalocean:index/droplet:Droplet")
	uptime := s.byType("digitalocean:index/uptimeCheck:UptimeCheck")
	alarms := len(uptime) + len(s.byType("aws:cloudwatch/metricAlarm:MetricAlarm"))
	machines := len(droplets) + len(s.byType("aws:ec2/instance:Instance")) + len(s.byType("digitalocean:index/kubernetesCluster:KubernetesCluster")) +
		len(s.byType("aws:eks/cluster:Cluster"))
	if machines > 0 && alarms == 0 {
		s.add(plan.Notice, notify, "is not set: the stack makes no alarms, and nobody is told when the service is down", "")
	}
	for _, r := range s.byType("aws:sns/topicSubscription:TopicSubscription") {
		if values.Text(r.Raw, "protocol") == "email" {
			s.add(plan.Notice, notify, values.Text(r.Raw, "endpoint")+" gets alarms once its owner has followed the link that AWS sends it", "")
		}
	}
	for _, r := range droplets {
		if len(uptime) > 0 && !values.Bool(r.Raw, "monitoring") {
			s.add(plan.Notice, r.Name, "has no alarms on CPU, memory and disk: they need digitalocean.monitoring", "")
		}
	}
}
