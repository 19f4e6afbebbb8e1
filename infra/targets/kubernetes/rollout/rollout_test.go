package rollout

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/offline"
	"escala/infra/testing/fakecluster"
)

var (
	older  = imageOf("b")
	wanted = imageOf("a")
)

func imageOf(digit string) string { return "registry.example/api@sha256:" + strings.Repeat(digit, 64) }

// releaseOf returns the id of the binary in an image.
func releaseOf(image string) (string, error) { return "binary-" + image[len(image)-4:], nil }

func object(kind, name string, spec map[string]any) *offline.Event {
	return &offline.Event{Operation: offline.Update, Inputs: resource.NewPropertyMapFromMap(map[string]any{
		"kind": kind, "metadata": map[string]any{"name": name, "namespace": "api"}, "spec": spec,
	})}
}

func deploymentOf(name, image string) *offline.Event {
	labels := map[string]any{"app": name}
	return object("Deployment", name, map[string]any{
		"selector": map[string]any{"matchLabels": labels},
		"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "api", "image": image}}}},
	})
}

// apply creates or changes objects on a cluster.
func apply(t *testing.T, c *fakecluster.Cluster, objects ...*offline.Event) {
	t.Helper()
	for _, o := range objects {
		require.NoError(t, c.Effect(o))
	}
}

// running returns a cluster that runs the older release on three pods.
func running(t *testing.T) *fakecluster.Cluster {
	t.Helper()
	c := fakecluster.New()
	t.Cleanup(c.Close)
	c.Pull = releaseOf
	apply(t, c,
		deploymentOf("api", older),
		object("HorizontalPodAutoscaler", "api", map[string]any{"minReplicas": 3, "scaleTargetRef": map[string]any{"name": "api"}}),
		object("Ingress", "api", map[string]any{"ingressClassName": "traefik"}))
	return c
}

func rolloutOf(c *fakecluster.Cluster) Rollout {
	return Rollout{
		Kubeconfig: c.Kubeconfig(), Namespace: "api", Deployment: "api", Pods: 3, Ingress: "api", Scheme: "http", URL: c.URL(),
		HealthPath: "/health", Image: wanted, Releases: []string{"binary-aaaa"},
		Timeout: 400 * time.Millisecond, Poll: 5 * time.Millisecond, StuckTimeout: 60 * time.Millisecond,
	}
}

func TestServes(t *testing.T) {
	c := running(t)
	apply(t, c, deploymentOf("api", wanted))
	served, err := rolloutOf(c).Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, c.URL(), served.URL)
}

// TestWhoIsAsked checks the values of Probe for an address that this computer
// does not reach: ProbePods asks the service through the cluster's API, and
// ProbeNone relies on the pods' readiness.
func TestWhoIsAsked(t *testing.T) {
	c := running(t)
	apply(t, c, deploymentOf("api", wanted))
	r := rolloutOf(c)
	r.URL = "http://127.0.0.1:1" // no server listens there
	_, err := r.Wait(t.Context())
	require.ErrorContains(t, err, "does not answer")
	for _, ask := range []Probe{ProbePods, ProbeNone} {
		r.Probe = ask
		served, err := r.Wait(t.Context())
		require.NoError(t, err, ask)
		assert.Equal(t, r.URL, served.URL)
	}
	r.Probe, r.Releases = ProbePods, []string{"another"}
	_, err = r.Wait(t.Context())
	require.ErrorContains(t, err, "service api answers as binary-aaaa")
}

func TestClusterID(t *testing.T) {
	c := running(t)
	id, err := ClusterID(t.Context(), c.Kubeconfig())
	require.NoError(t, err)
	assert.Equal(t, c.ID(), id)
}

// TestReasons checks that a failure contains the pods' own reasons, and the
// release that still serves.
func TestReasons(t *testing.T) {
	before := "the release before (bbbbbbbbbbbb) still serves, on 3 pods"
	for name, tt := range map[string]struct {
		trouble fakecluster.Trouble
		quick   bool // the wait fails before its timeout
		want    []string
	}{
		"image pull": {
			fakecluster.Trouble{Waiting: "ImagePullBackOff", Message: "manifest unknown"},
			true,
			[]string{"release aaaaaaaaaaaa does not serve", "0 of 3 pods of the release are ready", before, "pod api-hash2-0 cannot pull its image: manifest unknown"},
		},
		"image name":          {fakecluster.Trouble{Waiting: "InvalidImageName", Message: "no such name"}, true, []string{"cannot pull its image: no such name"}},
		"a secret is lacking": {fakecluster.Trouble{Waiting: "CreateContainerConfigError", Message: `secret "x" not found`}, true, []string{`cannot be started: secret "x" not found`, before}},
		"crash loop": {
			fakecluster.Trouble{Ended: "Error", ExitCode: 23, Restarts: 2, Log: "starting\ncannot find the moon\n"},
			true,
			[]string{"pod api-hash2-0 ends with status 23, 2 restarts so far; it printed:\n    starting\n    cannot find the moon", before},
		},
		"killed by its startup probe": {
			fakecluster.Trouble{Ended: "Error", ExitCode: 2, Restarts: 1, Unready: "Startup probe failed: connection refused"},
			true,
			[]string{"ends with status 2, 1 restart so far; Startup probe failed: connection refused"},
		},
		"out of memory": {fakecluster.Trouble{Ended: "OOMKilled", ExitCode: 137, Restarts: 3}, true, []string{"is killed: it uses more memory than service.resources.memoryMiB lets it"}},
		"quota":         {fakecluster.Trouble{Refused: "exceeded quota: pods"}, true, []string{"no pod can be made: exceeded quota: pods", before}},
		"unschedulable": {fakecluster.Trouble{Unschedulable: "0/1 nodes are available: 1 Insufficient cpu."}, false, []string{"pod api-hash2-0 finds no node: 0/1 nodes are available: 1 Insufficient cpu.", before}},
		"never ready": {
			fakecluster.Trouble{Unready: "Readiness probe failed: HTTP probe failed with statuscode: 503", Log: "no database"},
			false,
			[]string{"runs, but is not ready: Readiness probe failed: HTTP probe failed with statuscode: 503; it printed:\n    no database", before},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := running(t)
			c.Trouble = func(image string) fakecluster.Trouble {
				if image == wanted {
					return tt.trouble
				}
				return fakecluster.Trouble{}
			}
			apply(t, c, deploymentOf("api", wanted))
			r := rolloutOf(c)
			if tt.quick {
				r.Timeout = 30 * time.Second
			}
			began := time.Now()
			_, err := r.Wait(t.Context())
			require.Error(t, err)
			for _, want := range tt.want {
				assert.Contains(t, err.Error(), want)
			}
			assert.Less(t, time.Since(began), 20*time.Second, "it gives up when it is certain")
		})
	}
}

func TestWhatIsMissing(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(t *testing.T, c *fakecluster.Cluster, r *Rollout)
		want   string
	}{
		"the deployment": {func(_ *testing.T, _ *fakecluster.Cluster, r *Rollout) { r.Deployment = "other" }, "deployment other does not exist yet"},
		"the image":      {func(_ *testing.T, _ *fakecluster.Cluster, r *Rollout) { r.Image = imageOf("c") }, "deployment api runs image " + wanted},
		"pods":           {func(_ *testing.T, _ *fakecluster.Cluster, r *Rollout) { r.Pods = 4 }, "the autoscaler has not yet raised the number of pods from 3 to 4"},
		"the ingress":    {func(_ *testing.T, _ *fakecluster.Cluster, r *Rollout) { r.URL, r.Ingress = "", "other" }, "/ingresses/other does not exist"},
		"its address": {
			func(_ *testing.T, c *fakecluster.Cluster, r *Rollout) { r.URL, c.Unaddressed = "", true },
			"ingress api has no address yet: the ingress controller of class traefik assigns it\nthe cluster reports:\n  ingress api: no subnet has the tag",
		},
		"health":    {func(_ *testing.T, _ *fakecluster.Cluster, r *Rollout) { r.Releases = []string{"another"} }, "/health answers as binary-aaaa"},
		"an answer": {func(_ *testing.T, _ *fakecluster.Cluster, r *Rollout) { r.URL = "http://127.0.0.1:1" }, "http://127.0.0.1:1/health does not answer: dial tcp 127.0.0.1:1"},
		"another that the service needs": {
			func(t *testing.T, c *fakecluster.Cluster, r *Rollout) {
				t.Helper()
				c.Trouble = func(string) fakecluster.Trouble {
					return fakecluster.Trouble{Waiting: "ErrImagePull", Message: "no such image"}
				}
				apply(t, c, deploymentOf("api-redis", "valkey"))
				r.Dependencies = []string{"api-redis"}
			},
			"0 of 1 pod of api-redis are ready\nthe cluster reports:\n  pod api-redis-hash1-0 cannot pull its image: no such image",
		},
		"a process whose pod of the release before still runs": {
			func(t *testing.T, c *fakecluster.Cluster, r *Rollout) {
				t.Helper()
				apply(t, c, deploymentOf("api-mailer", "before"))
				c.Trouble = func(image string) fakecluster.Trouble {
					if image != wanted {
						return fakecluster.Trouble{}
					}
					return fakecluster.Trouble{Waiting: "CrashLoopBackOff", Message: "back-off"}
				}
				apply(t, c, deploymentOf("api-mailer", wanted))
				r.Dependencies = []string{"api-mailer"}
			},
			"1 earlier pod of api-mailer still there\nthe cluster reports:\n  pod api-mailer-hash2-0 ends by itself",
		},
		"the cluster": {func(_ *testing.T, _ *fakecluster.Cluster, r *Rollout) {
			r.Kubeconfig = strings.Replace(r.Kubeconfig, "http://127.0.0.1:", "http://127.0.0.1:1/", 1)
		}, "Kubernetes API: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := running(t)
			apply(t, c, deploymentOf("api", wanted))
			r := rolloutOf(c)
			tt.change(t, c, &r)
			_, err := r.Wait(t.Context())
			require.ErrorContains(t, err, tt.want)
			assert.NotContains(t, err.Error(), "release before")
		})
	}
}

// TestTheIngressOwnAddress checks that the Ingress' address is asked with the
// service's name, independently of DNS.
func TestTheIngressOwnAddress(t *testing.T) {
	c := running(t)
	apply(t, c, deploymentOf("api", wanted))
	r := rolloutOf(c)
	at, err := url.Parse(c.URL())
	require.NoError(t, err)
	r.URL, r.dialPort = "", at.Port()
	public, err := r.Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "http://127.0.0.1", public.URL)

	r.Host = "api.example.com"
	public, err = r.Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "http://api.example.com", public.URL)
}

func TestWaitReportsEachChangeOnce(t *testing.T) {
	c := running(t)
	var reported []string
	r := rolloutOf(c)
	r.Timeout = 30 * time.Second
	r.Report = func(s string) {
		reported = append(reported, s)
		if len(reported) == 1 {
			apply(t, c, deploymentOf("api", wanted))
		}
	}
	_, err := r.Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"waiting: deployment api runs image " + older}, reported)
}

func TestWaitEndsWithItsContext(t *testing.T) {
	c := running(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r := rolloutOf(c)
	r.Timeout = time.Minute
	_, err := r.Wait(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestBadKubeconfig(t *testing.T) {
	_, err := Rollout{Kubeconfig: "token: secret-token: x"}.Wait(t.Context())
	require.ErrorContains(t, err, "reading the kubeconfig")
	assert.NotErrorIs(t, err, context.DeadlineExceeded)
}
