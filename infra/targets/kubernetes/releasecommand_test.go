package kubernetes

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"escala/infra/targets/kubernetes/rollout"
	"escala/service"
)

const cronjobType = "kubernetes:batch/v1:CronJob"

// TestReleaseCommandIsASuspendedCronJob checks that the release command's Job runs
// like the service's pods, and that no other selector selects its pod.
func TestReleaseCommandIsASuspendedCronJob(t *testing.T) {
	r := request(t)
	r.Spec.ReleaseCommand = service.ReleaseCommand{Command: []string{"api", "migrate"}, Timeout: 2 * time.Minute}
	r.GateTimeout = 7 * time.Minute
	m := deployed(t, ready(), r)

	own := named(t, m, "kubernetes:apps/v1:Deployment", "api-deployment")
	serving := part(t, own, "spec", "template", "spec")
	cronjob := named(t, m, cronjobType, "api-release-cronjob")
	assert.Equal(t, "api-release", part(t, cronjob, "metadata", "name"))
	assert.Equal(t, true, part(t, cronjob, "spec", "suspend"), "it never runs by itself")
	job := part(t, cronjob, "spec", "jobTemplate", "spec")
	assert.InDelta(t, 0, part(t, job, "backoffLimit"), 0)
	assert.InDelta(t, 420, part(t, job, "activeDeadlineSeconds"), 0, "with the time for a node")
	assert.NotContains(t, job, "ttlSecondsAfterFinished", "the Job is the record")
	pod := part(t, job, "template", "spec")
	assert.InDelta(t, 120, part(t, pod, "activeDeadlineSeconds"), 0)
	assert.Equal(t, "Never", part(t, pod, "restartPolicy"))
	for _, same := range []string{"securityContext", "serviceAccountName", "automountServiceAccountToken", "nodeSelector"} {
		assert.Equal(t, part(t, serving, same), part(t, pod, same), same)
	}
	container := part(t, pod, "containers", 0)
	assert.Equal(t, []any{"/api", "migrate"}, part(t, container, "command"))
	for _, same := range []string{"envFrom", "image", "securityContext", "resources", "volumeMounts"} {
		assert.Equal(t, part(t, serving, "containers", 0, same), part(t, container, same), same)
	}
	assert.NotContains(t, container, "ports")

	labels := part(t, job, "template", "metadata", "labels").(map[string]any)
	assert.Equal(t, labels, part(t, cronjob, "spec", "jobTemplate", "metadata", "labels"), "the update finds the Jobs by them")
	assert.Equal(t, rollout.ReleaseComponent, labels["app.kubernetes.io/component"])
	assert.Equal(t, r.Spec.ReleaseCommand.Digest(), labels[rollout.CommandLabel])
	for kind, name := range map[string]string{
		"kubernetes:core/v1:Service":                    "api-service",
		"kubernetes:policy/v1:PodDisruptionBudget":      "api-pdb",
		"kubernetes:networking.k8s.io/v1:NetworkPolicy": "api-networkpolicy",
	} {
		selects := part(t, named(t, m, kind, name), "spec")
		for _, at := range []string{"selector", "podSelector"} {
			if selector, ok := selects.(map[string]any)[at].(map[string]any); ok {
				if inner, deeper := selector["matchLabels"].(map[string]any); deeper {
					selector = inner
				}
				assert.NotEqual(t, labels["app.kubernetes.io/component"], selector["app.kubernetes.io/component"], kind)
			}
		}
	}
	// No peer may connect to the Job's pod, and it may connect to Redis.
	policy := named(t, m, "kubernetes:networking.k8s.io/v1:NetworkPolicy", "api-tasks-networkpolicy")
	assert.Equal(t, []any{rollout.ReleaseComponent}, part(t, policy, "spec", "podSelector", "matchExpressions", 0, "values"))
	redis := named(t, m, "kubernetes:networking.k8s.io/v1:NetworkPolicy", "api-redis-networkpolicy")
	assert.Len(t, part(t, redis, "spec", "ingress", 0, "from"), 2)
}
