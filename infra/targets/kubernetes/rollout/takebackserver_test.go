package rollout

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"

	"escala/infra/testing/apiserver"
	"escala/infra/testing/kube"
	"escala/infra/testing/nodes"
	"escala/service"
)

// TestTakeBackOnARealAPIServer checks a bake with Kubernetes' own Deployment
// controller: what serves during it, after a release was taken back, and after the
// next update.
func TestTakeBackOnARealAPIServer(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a control plane")
	}
	server := apiserver.StartWithControllers(t)
	nodes.Start(t, server)
	cluster := server.Objects(t)
	cluster.MakeNamespace(t, "api")
	client, err := dynamic.NewForConfig(server.Config())
	require.NoError(t, err)
	kubeconfig, err := os.ReadFile(server.Kubeconfig)
	require.NoError(t, err)
	labels := map[string]any{"app": "api"}
	failing, slow := map[string]bool{}, false
	described := func(image string) map[string]any {
		minReady := int64(3)
		switch { // a busy computer is slow
		case failing[image]:
			minReady = 60
		case slow:
			minReady = 8
		}
		return apiserver.Object("apps/v1", "Deployment", "api", "api", map[string]any{"spec": map[string]any{
			"selector":        map[string]any{"matchLabels": labels},
			"minReadySeconds": minReady, "progressDeadlineSeconds": int64(600),
			"strategy": map[string]any{"rollingUpdate": map[string]any{"maxUnavailable": int64(0), "maxSurge": "100%"}},
			"template": map[string]any{
				"metadata": map[string]any{"labels": labels},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": "api", "image": image}}},
			},
		}})
	}
	apply := func(image string) {
		t.Helper()
		_, err := cluster.Apply(t.Context(), described(image))
		require.NoError(t, err)
	}
	// scale sets the number of pods as an autoscaler does. The controller may change the
	// Deployment meanwhile.
	scale := func(image string, n int64) {
		t.Helper()
		var err error
		require.Eventually(t, func() bool {
			err = cluster.Scale(t.Context(), described(image), n)
			return err == nil || !apierrors.IsConflict(err)
		}, 10*time.Second, 20*time.Millisecond)
		require.NoError(t, err)
	}
	// pods returns the number of pods of an image.
	pods := func(image string) int {
		all, err := client.Resource(kube.Pods).Namespace("api").List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		n := 0
		for i := range all.Items {
			p, err := kube.Decode[kube.Pod](&all.Items[i])
			require.NoError(t, err)
			if p.Spec.Containers[0].Image == image && p.DeletionTimestamp == nil {
				n++
			}
		}
		return n
	}
	// asked are the pods' answers, by image: a hundred in each second, and those of
	// failing fail in part.
	began, timeout := time.Now(), time.Minute
	wait := func(image string) error {
		r := Rollout{
			Kubeconfig: string(kubeconfig), Namespace: "api", Deployment: "api", Pods: 3, URL: "http://unused", Probe: ProbeNone, Image: image,
			Bake: service.Bake{Time: 2 * time.Second, Errors: "1%"}, Steady: time.Second, Timeout: timeout, Poll: 20 * time.Millisecond,
			count: func(_ context.Context, p pod) (service.Counts, error) {
				c := service.Counts{Release: "any", All: time.Since(began).Milliseconds() / 10}
				if failing[p.Spec.Containers[0].Image] {
					c.Failed = c.All / 20
				}
				return c, nil
			},
		}
		_, err := r.Wait(t.Context())
		return err
	}
	bad := imageOf("c")
	failing[bad] = true

	t.Log("the first release has no bake")
	apply(older)
	scale(older, 3)
	require.NoError(t, wait(older))

	t.Log("a good release is watched for the whole time, and all serve meanwhile")
	apply(wanted)
	start := time.Now()
	require.NoError(t, wait(wanted))
	assert.Greater(t, time.Since(start), 2*time.Second)
	assert.Equal(t, []int{3, 0}, []int{pods(wanted), pods(older)})

	t.Log("a bad release is taken back")
	apply(bad)
	start = time.Now()
	err = wait(bad)
	require.ErrorContains(t, err, "release cccccccccccc is taken back: ")
	assert.Less(t, time.Since(start), 30*time.Second, "it does not serve for the whole time")
	require.ErrorContains(t, err, "the release before (aaaaaaaaaaaa) serves alone, on 3 pods")
	require.ErrorContains(t, err, "meanwhile, with release aaaaaaaaaaaa, on 3 pods")
	assert.Equal(t, []int{3, 0}, []int{pods(wanted), pods(bad)})
	d, err := cluster.Get(t.Context(), described(bad))
	require.NoError(t, err)
	content, err := d.MarshalJSON()
	require.NoError(t, err)
	var asked deployment
	require.NoError(t, json.Unmarshal(content, &asked))
	assert.Equal(t, bad, asked.image(), "what was asked for stays")
	assert.Contains(t, d.GetAnnotations()[takenBackAnnotation], "is taken back: ")

	t.Log("an autoscaler and a lost pod change only the release before")
	scale(bad, 5)
	require.Eventually(t, func() bool { return pods(wanted) == 5 }, 10*time.Second, 20*time.Millisecond)
	require.NoError(t, client.Resource(kube.Pods).Namespace("api").DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}))
	require.Eventually(t, func() bool { return pods(wanted) == 5 }, 10*time.Second, 20*time.Millisecond)
	assert.Zero(t, pods(bad))
	scale(bad, 3)
	require.Eventually(t, func() bool { return pods(wanted) == 3 }, 10*time.Second, 20*time.Millisecond)

	t.Log("the next update asks for it again, also without a change")
	require.ErrorContains(t, wait(bad), "release cccccccccccc is taken back: ")
	assert.Equal(t, []int{3, 0}, []int{pods(wanted), pods(bad)})

	t.Log("another release, while it is taken back")
	next := imageOf("d")
	apply(next)
	require.NoError(t, wait(next))
	assert.Equal(t, []int{3, 0, 0}, []int{pods(next), pods(wanted), pods(bad)})
	d, err = cluster.Get(t.Context(), described(next))
	require.NoError(t, err)
	assert.NotContains(t, d.GetAnnotations(), takenBackAnnotation)

	t.Log("a rollback, while it is taken back")
	apply(bad)
	require.ErrorContains(t, wait(bad), "is taken back: ")
	apply(next)
	require.NoError(t, wait(next))
	assert.Equal(t, []int{3, 0}, []int{pods(next), pods(bad)})

	t.Log("a release that is mended without a new image: what failed before is forgotten")
	apply(bad)
	require.ErrorContains(t, wait(bad), "is taken back: ")
	failing[bad] = false
	apply(bad)
	require.NoError(t, wait(bad))
	assert.Equal(t, []int{0, 3}, []int{pods(next), pods(bad)})

	if os.Getenv("ESCALA_TEST") == "gate" {
		return // the rest mostly waits
	}
	t.Log("the autoscaler acts during a bake")
	slow = true
	apply(wanted)
	ended := make(chan error, 1)
	go func() { ended <- wait(wanted) }()
	require.Eventually(t, func() bool { return pods(wanted) == 3 }, 10*time.Second, 20*time.Millisecond)
	scale(wanted, 5)
	require.Eventually(t, func() bool { return pods(wanted)+pods(bad) == 10 }, 10*time.Second, 20*time.Millisecond, "both releases get pods")
	require.NoError(t, <-ended)
	assert.Equal(t, []int{5, 0}, []int{pods(wanted), pods(bad)})

	t.Log("another release during a bake: the watched one goes, and the one before stays")
	apply(next)
	require.Eventually(t, func() bool { return pods(next) == 5 }, 10*time.Second, 20*time.Millisecond)
	apply(older)
	require.Eventually(t, func() bool { return pods(next) == 0 }, 10*time.Second, 20*time.Millisecond)
	assert.Equal(t, []int{5, 5}, []int{pods(wanted), pods(older)})
	apply(wanted)
	require.NoError(t, wait(wanted))
	assert.Equal(t, []int{5, 0}, []int{pods(wanted), pods(older)})

	t.Log("an update that gives up takes its release out of service: nobody would watch it")
	failing[next] = true // so that Kubernetes would go on much later
	apply(next)
	failing[next], timeout = false, time.Millisecond
	require.Eventually(t, func() bool { return pods(next) == 5 }, 10*time.Second, 20*time.Millisecond)
	require.NotContains(t, wait(next).Error(), "alone", "it has not seen the release serve")
	timeout = 5 * time.Second
	err = wait(next)
	require.ErrorContains(t, err, "5 pods of the release before still there")
	require.ErrorContains(t, err, "the release before (aaaaaaaaaaaa) serves alone, on 5 pods")
	assert.Equal(t, []int{5, 0}, []int{pods(wanted), pods(next)})
	timeout = time.Minute
	apply(wanted)
	require.NoError(t, wait(wanted))

	t.Log("nothing can be taken back once no pod of the release before is left")
	late := Rollout{Kubeconfig: string(kubeconfig), Namespace: "api", Deployment: "api", Image: wanted, Poll: 20 * time.Millisecond}
	c, err := newClient(late.Kubeconfig)
	require.NoError(t, err)
	_, err = late.takeBack(t.Context(), c, "too late")
	require.ErrorIs(t, err, errTooLate)
	require.NoError(t, wait(wanted), "it is not paused")
	assert.Equal(t, 5, pods(wanted))
}
