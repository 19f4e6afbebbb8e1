package kubernetes

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// TestProcessesAndSchedules checks that a process is a Deployment without a
// Service, and a schedule a CronJob. Their pods run the service's image with its
// environment and secrets, and with the same restrictions as the service's pods.
func TestProcessesAndSchedules(t *testing.T) {
	r := request(t)
	var mailer service.Process
	mailer.SetDefaults()
	mailer.Command, mailer.Count, mailer.Stop, mailer.MemoryMiB = []string{"api", "mail", "--all"}, 2, 90*time.Second, 64
	r.Spec.Processes = map[string]service.Process{"mailer": mailer}
	var report service.Schedule
	report.SetDefaults()
	report.Cron, report.Command, report.Timeout, report.Overlap = "30 3 * * 5-7", []string{"./api", "report"}, 5*time.Minute, service.OverlapReplace
	r.Spec.Schedule = map[string]service.Schedule{"report": report}
	m := deployed(t, ready(), r)

	const deploymentType = "kubernetes:apps/v1:Deployment"
	own := named(t, m, deploymentType, "api-deployment")
	process := named(t, m, deploymentType, "api-mailer-deployment")
	assert.Equal(t, "api-mailer", part(t, process, "metadata", "name"))
	assert.InDelta(t, 2, part(t, process, "spec", "replicas"), 0)
	assert.InDelta(t, 0, part(t, process, "spec", "strategy", "rollingUpdate", "maxUnavailable"), 0)
	assert.InDelta(t, 1, part(t, process, "spec", "minReadySeconds"), 0, "up for lifecycle.steady")
	cronjob := named(t, m, "kubernetes:batch/v1:CronJob", "api-report-cronjob")
	assert.Equal(t, "api-report", part(t, cronjob, "metadata", "name"))
	spec := part(t, cronjob, "spec")
	assert.Equal(t, "30 3 * * 0,5,6", part(t, spec, "schedule"), "Kubernetes' Sunday is 0")
	assert.Equal(t, "Etc/UTC", part(t, spec, "timeZone"))
	assert.Equal(t, "Replace", part(t, spec, "concurrencyPolicy"))
	assert.InDelta(t, 600, part(t, spec, "startingDeadlineSeconds"), 0)
	job := part(t, spec, "jobTemplate", "spec")
	assert.InDelta(t, 0, part(t, job, "backoffLimit"), 0, "a run that failed is not repeated")
	assert.InDelta(t, 300, part(t, job, "activeDeadlineSeconds"), 0)

	serving := part(t, own, "spec", "template", "spec")
	for name, want := range map[string]struct {
		pod     any
		command []any
		memory  string
		grace   float64
	}{
		"mailer": {part(t, process, "spec", "template", "spec"), []any{"/api", "mail", "--all"}, "64Mi", 90},
		"report": {part(t, job, "template", "spec"), []any{"/api", "report"}, "256Mi", 30},
	} {
		for _, same := range []string{"securityContext", "serviceAccountName", "automountServiceAccountToken", "nodeSelector"} {
			assert.Equal(t, part(t, serving, same), part(t, want.pod, same), "%s: %s", name, same)
		}
		container := part(t, want.pod, "containers", 0)
		assert.Equal(t, want.command, part(t, container, "command"), name)
		for _, same := range []string{"envFrom", "image", "securityContext", "volumeMounts"} {
			assert.Equal(t, part(t, serving, "containers", 0, same), part(t, container, same), "%s: %s", name, same)
		}
		assert.Equal(t, want.memory, part(t, container, "resources", "limits", "memory"), name)
		assert.InDelta(t, want.grace, part(t, want.pod, "terminationGracePeriodSeconds"), 0, name)
		assert.NotContains(t, container, "ports", name)
	}
	assert.Equal(t, "57MiB", part(t, process, "spec", "template", "spec", "containers", 0, "env", 0, "value"))
	assert.Equal(t, "Never", part(t, job, "template", "spec", "restartPolicy"))

	// No peer may connect to these pods, and they may connect to Redis.
	policy := named(t, m, "kubernetes:networking.k8s.io/v1:NetworkPolicy", "api-tasks-networkpolicy")
	assert.NotContains(t, part(t, policy, "spec"), "ingress")
	assert.Equal(t, []any{"process-mailer", "schedule-report"}, part(t, policy, "spec", "podSelector", "matchExpressions", 0, "values"))
	redis := named(t, m, "kubernetes:networking.k8s.io/v1:NetworkPolicy", "api-redis-networkpolicy")
	assert.Len(t, part(t, redis, "spec", "ingress", 0, "from"), 3)
	assert.Len(t, m.OfType("kubernetes:core/v1:Service"), 2, "the service's and Redis'")
}

// TestTheCommandOfAnotherImageStays checks that the command does not change for an
// image that was not built here. Its program may be at any path.
func TestTheCommandOfAnotherImageStays(t *testing.T) {
	r := request(t)
	var report service.Schedule
	report.SetDefaults()
	report.Cron, report.Command = "@daily", []string{"api", "report"}
	r.Spec.Schedule = map[string]service.Schedule{"report": report}
	k := ready()
	k.settings.Registry, k.settings.Image = "", "ghcr.io/you/api@sha256:"+string(r.Release.ID)
	m := deployed(t, k, r)
	cronjob := named(t, m, "kubernetes:batch/v1:CronJob", "api-report-cronjob")
	assert.Equal(t, []any{"api", "report"}, part(t, cronjob, "spec", "jobTemplate", "spec", "template", "spec", "containers", 0, "command"))
	require.Equal(t, "@daily", part(t, cronjob, "spec", "schedule"))
}
