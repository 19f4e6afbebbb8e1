package apiserver_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"escala/infra/testing/apiserver"
	"escala/service"
)

// TestEveryDescriptionCanBecomeEveryOther checks that no change of a
// description changes an immutable field, because an update would then have to
// delete the serving object. It also checks that no other manager owns a field
// of the object.
func TestEveryDescriptionCanBecomeEveryOther(t *testing.T) {
	server := apiserver.Start(t)
	for _, on := range slices.Sorted(maps.Keys(stacks)) {
		t.Run(on, func(t *testing.T) {
			t.Parallel()
			cluster := server.Objects(t)
			namespace := newNamespace()
			names := slices.Sorted(maps.Keys(descriptions))
			// The list runs twice, so that each description follows each other
			// one, directly or indirectly.
			for _, name := range append(names, names...) {
				for _, object := range descriptions[name].objects(t, stacks[on], namespace) {
					_, err := cluster.ApplyGently(t.Context(), object)
					require.NoError(t, err, "with %s", name)
				}
			}
			assert.Empty(t, cluster.Warnings())
		})
	}
}

// TestTheNumberOfPodsStaysTheAutoscalers checks that a release keeps the number of
// pods that the autoscaler has set.
func TestTheNumberOfPodsStaysTheAutoscalers(t *testing.T) {
	server := apiserver.Start(t)
	cluster := server.Objects(t)
	namespace := newNamespace()
	before := descriptions["default"].objects(t, onKubernetes, namespace)
	applyAll(t, cluster, before)
	deployment := ofKind(before, "Deployment")[0]
	require.NoError(t, cluster.Scale(t.Context(), deployment, 7))
	replicas := func() int64 {
		t.Helper()
		now, err := cluster.Get(t.Context(), deployment)
		require.NoError(t, err)
		n, found, err := unstructured.NestedInt64(now.Object, "spec", "replicas")
		require.NoError(t, err)
		require.True(t, found)
		return n
	}
	require.EqualValues(t, 7, replicas())

	next := description{
		spec: func(s *service.Spec) {
			s.Env = map[string]string{"GREETING": "hello"}
			s.Scale.Max = 20
			s.Resources.MemoryMiB *= 2
		},
	}
	for _, object := range next.objects(t, onKubernetes, namespace) {
		_, err := cluster.ApplyGently(t.Context(), object)
		require.NoError(t, err, "a field that the autoscaler has is applied")
	}
	assert.EqualValues(t, 7, replicas())

	// A number in the description takes the field back, and conflicts with the
	// autoscaler from then on.
	fixed := ofKind(descriptions["fixed number"].objects(t, onKubernetes, namespace), "Deployment")[0]
	_, err := cluster.ApplyGently(t.Context(), fixed)
	require.NoError(t, err)
	assert.EqualValues(t, 2, replicas())
	require.NoError(t, cluster.Scale(t.Context(), deployment, 7))
	_, err = cluster.ApplyGently(t.Context(), fixed)
	require.ErrorContains(t, err, `conflict with "kube-controller-manager"`)
	assert.Empty(t, cluster.Warnings())
}
