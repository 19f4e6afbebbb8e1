package rollout

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/operate"
	"escala/infra/testing/fakecluster"
	"escala/service"
	"escala/service/event"
)

func stackOf(c *fakecluster.Cluster, image string) *operate.Stack {
	id, _ := service.ReleaseOfImage(image)
	spec := service.NewSpec()
	spec.Name, spec.Scale.Min, spec.Scale.Max = "api", 3, 10
	return &operate.Stack{Project: "escala", Name: "k", Target: "kubernetes", Spec: spec, Outputs: map[string]any{
		"url": c.URL(), "health": c.URL() + "/health", "release": string(id),
	}}
}

// scaled gives the Deployment an autoscaler with both limits.
func scaled(t *testing.T, c *fakecluster.Cluster) {
	t.Helper()
	apply(t, c, object("HorizontalPodAutoscaler", "api", map[string]any{"minReplicas": 3, "maxReplicas": 10, "scaleTargetRef": map[string]any{"name": "api"}}))
}

func TestStatusOfACluster(t *testing.T) {
	c := running(t)
	scaled(t, c)
	c.Memory = "24Mi"
	got := Status(t.Context(), stackOf(c, older), c.Kubeconfig(), "api", "api")
	assert.True(t, got.Well, "%v", got.Problems)
	assert.Empty(t, got.Unknown)
	assert.Equal(t, &operate.Pods{Wanted: 3, Ready: 3, Min: 3, Max: 10}, got.Pods)
	require.Len(t, got.Instances, 3)
	pod := got.Instances[0]
	assert.Equal(t, "api-hash1-0", pod.Name)
	assert.Equal(t, got.Wanted, pod.Release)
	assert.EqualValues(t, 24<<20, *pod.MemoryBytes)
	assert.Zero(t, *pod.Restarts)
	assert.WithinDuration(t, time.Now(), *pod.Since, time.Minute)
}

func TestStatusOfAClusterThatIsUnwell(t *testing.T) {
	for name, tt := range map[string]struct {
		trouble           fakecluster.Trouble
		problems, unknown []string
		incident          string
	}{
		"image": {
			fakecluster.Trouble{Waiting: "ImagePullBackOff", Message: "manifest unknown\x1b[31m"},
			[]string{"pod api-hash2-0: ImagePullBackOff: manifest unknown[31m"},
			nil, "",
		},
		"out of memory": {
			fakecluster.Trouble{Ended: "OOMKilled", ExitCode: 137, Restarts: 4},
			[]string{"CrashLoopBackOff"},
			nil, "pod api-hash2-0 ended: OOMKilled, exit status 137",
		},
		"no node":      {fakecluster.Trouble{Unschedulable: "0/3 nodes are available"}, []string{"pod api-hash2-0 finds no node: 0/3 nodes are available"}, nil, ""},
		"no pod":       {fakecluster.Trouble{Refused: "exceeded quota"}, []string{"no pod can be made: exceeded quota"}, nil, ""},
		"not of today": {fakecluster.Trouble{}, []string{"the last update released release bbbbbbbbbbbb, but the Deployment wants release aaaaaaaaaaaa"}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := running(t)
			c.Trouble = func(string) fakecluster.Trouble { return tt.trouble }
			apply(t, c, deploymentOf("api", wanted))
			got := Status(t.Context(), stackOf(c, older), c.Kubeconfig(), "api", "api")
			assert.False(t, got.Well)
			all := strings.Join(got.Problems, "\n")
			for _, want := range tt.problems {
				assert.Contains(t, all, want)
			}
			assert.Contains(t, got.Incident, tt.incident)
			assert.Contains(t, strings.Join(got.Unknown, "\n"), "memory of pods", "there is no metrics server")
			content, err := json.Marshal(got)
			require.NoError(t, err)
			assert.NotContains(t, string(content), "u001b")
		})
	}
}

// TestStatusOfAReleaseThatWasTakenBack checks that the reason is a problem.
func TestStatusOfAReleaseThatWasTakenBack(t *testing.T) {
	c := running(t)
	c.Annotations = map[string]string{takenBackAnnotation: "release aaaaaaaaaaaa is taken back: 5% of its answers\x1b[31m"}
	got := Status(t.Context(), stackOf(c, older), c.Kubeconfig(), "api", "api")
	assert.False(t, got.Well)
	assert.Contains(t, got.Problems, "release aaaaaaaaaaaa is taken back: 5% of its answers[31m; make up tries it again")
}

// TestStatusOfAProcessThatIsUnwell checks that a status has the problems of the
// Deployments beside the service's own.
func TestStatusOfAProcessThatIsUnwell(t *testing.T) {
	c := running(t)
	scaled(t, c)
	apply(t, c, deploymentOf("api-mailer", older))
	ask := func() operate.Status {
		return Status(t.Context(), stackOf(c, older), c.Kubeconfig(), "api", "api", "api-mailer")
	}
	assert.Empty(t, ask().Problems)
	c.Trouble = func(string) fakecluster.Trouble {
		return fakecluster.Trouble{Waiting: "ImagePullBackOff", Message: "manifest unknown"}
	}
	apply(t, c, deploymentOf("api-mailer", wanted))
	got := ask()
	assert.False(t, got.Well)
	require.Len(t, got.Problems, 1)
	assert.Regexp(t, `^0 of [13] pods? of api-mailer are ready: pod api-mailer-.* cannot pull its image: manifest unknown$`, got.Problems[0])
	got = Status(t.Context(), stackOf(c, older), c.Kubeconfig(), "api", "api", "api-redis")
	assert.Equal(t, []string{"deployment api-redis does not exist yet"}, got.Problems)
}

// TestStatusBeforeTheFirstRelease checks that a stack whose first update failed does
// not say that it released nothing.
func TestStatusBeforeTheFirstRelease(t *testing.T) {
	c := running(t)
	stack := stackOf(c, older)
	stack.Outputs = map[string]any{}
	got := Status(t.Context(), stack, c.Kubeconfig(), "api", "api")
	assert.Contains(t, got.Problems, "the last update gave the service no address")
	assert.NotContains(t, strings.Join(got.Problems, "\n"), "released")
}

func TestStatusOfAClusterThatIsAway(t *testing.T) {
	c := running(t)
	s := stackOf(c, older)
	c.Close()
	got := Status(t.Context(), s, c.Kubeconfig(), "api", "api")
	assert.False(t, got.Well)
	assert.Contains(t, strings.Join(got.Problems, "\n"), "the Kubernetes API: ")
	assert.Empty(t, got.Instances)
	_, err := Events(t.Context(), s, c.Kubeconfig(), "api", "api", time.Time{})
	require.Error(t, err)
	got = Status(t.Context(), s, "nonsense", "api", "api")
	assert.False(t, got.Well)
}

func TestEventsOfACluster(t *testing.T) {
	c := running(t)
	at := func(minutes int) string {
		return time.Now().Add(-time.Duration(minutes) * time.Minute).UTC().Format(time.RFC3339)
	}
	of := func(kind, name, sort, reason, message string, minutes int) any {
		return map[string]any{
			"type": sort, "reason": reason, "message": message, "lastTimestamp": at(minutes), "eventTime": nil,
			"involvedObject": map[string]any{"kind": kind, "name": name}, "metadata": map[string]any{"creationTimestamp": at(minutes)},
		}
	}
	c.Events = []any{
		of("Pod", "api-hash1-0", "Warning", "Unhealthy", "Readiness probe failed\x1b]0;x\x07", 3),
		of("Pod", "api-hash1-0", "Normal", "Pulled", "pulled", 3),
		// A roll: the kubelet asks a pod that it stops for its readiness.
		of("Pod", "api-hash1-1", "Normal", "Killing", "Stopping container api", 3),
		of("Pod", "api-hash1-1", "Warning", "Unhealthy", "Readiness probe failed", 2),
		// What failed before or restarts the container is an incident.
		of("Pod", "api-hash1-2", "Warning", "Unhealthy", "Liveness probe failed", 6),
		of("Pod", "api-hash1-2", "Normal", "Killing", "Container api failed liveness probe, will be restarted", 5),
		of("Pod", "api-hash1-2", "Warning", "Unhealthy", "Readiness probe failed again", 4),
		of("Certificate", "api-tls", "Normal", "Issuing", "The certificate has been successfully issued", 2),
		of("Pod", "old", "Warning", "BackOff", "long ago", 600),
	}
	events, err := Events(t.Context(), stackOf(c, older), c.Kubeconfig(), "api", "api", time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.Len(t, events, 5)
	assert.Equal(t, "Unhealthy: Liveness probe failed", events[0].Text)
	assert.Equal(t, "Unhealthy: Readiness probe failed again", events[1].Text)
	events = events[2:]
	assert.Equal(t, event.Incident, events[0].Kind)
	assert.Equal(t, "Unhealthy: Readiness probe failed]0;x", events[0].Text)
	assert.Equal(t, event.Certificate, events[1].Kind)
	assert.Equal(t, event.Release, events[2].Kind)
	id, _ := service.ReleaseOfImage(older)
	assert.Equal(t, id, events[2].Release)

	// No more than ten pages are read of a namespace with very many events.
	c.Events = nil
	for i := range 3 * eventPage * eventPages {
		c.Events = append(c.Events, of("Pod", fmt.Sprint("p", i), "Warning", "BackOff", "again", 1))
	}
	events, err = Events(t.Context(), stackOf(c, older), c.Kubeconfig(), "api", "api", time.Time{})
	require.NoError(t, err)
	assert.Len(t, events, eventPage*eventPages+1)
}
