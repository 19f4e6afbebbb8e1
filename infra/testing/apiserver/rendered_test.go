package apiserver_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/apiserver"
)

// TestTheServerTakesWhatIsRendered checks that the server accepts every object of
// every stack, with strict validation, in a namespace that enforces the restricted
// pod security standard. The test applies each object twice. It also creates the
// Deployments' pods, because the standard is enforced only for pods.
func TestTheServerTakesWhatIsRendered(t *testing.T) {
	server := apiserver.Start(t)
	for _, on := range slices.Sorted(maps.Keys(stacks)) {
		// The objects without a namespace are in all descriptions. They are applied
		// first, because clients that create them at the same time write them more
		// than once.
		applyAll(t, server.Objects(t), descriptions["default"].objects(t, stacks[on], newNamespace()))
		for _, name := range slices.Sorted(maps.Keys(descriptions)) {
			t.Run(on+"/"+name, func(t *testing.T) {
				t.Parallel()
				namespace := newNamespace()
				objects := descriptions[name].objects(t, stacks[on], namespace)
				cluster := server.Objects(t)
				versions := applyAll(t, cluster, objects)

				mine := slices.IndexFunc(objects, func(o map[string]any) bool { return kindAndName(o) == "Namespace "+namespace })
				require.GreaterOrEqual(t, mine, 0)
				enforced, err := cluster.Get(t.Context(), objects[mine])
				require.NoError(t, err)
				require.Equal(t, "restricted", enforced.GetLabels()["pod-security.kubernetes.io/enforce"])

				assert.Equal(t, versions, applyAll(t, cluster, objects), "an update without a change changes something")

				// Without controllers, no default service account exists for
				// pods that name none.
				_, err = cluster.Apply(t.Context(), map[string]any{
					"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": "default", "namespace": namespace},
				})
				require.NoError(t, err)
				deployments := ofKind(objects, "Deployment")
				require.NotEmpty(t, deployments)
				for _, deployment := range deployments {
					_, err := cluster.Create(t.Context(), pod(t, deployment))
					require.NoError(t, err)
				}
				for _, cronjob := range ofKind(objects, "CronJob") {
					_, err := cluster.Create(t.Context(), pod(t, jobOf(t, cronjob)))
					require.NoError(t, err)
				}
				assert.Empty(t, cluster.Warnings())
			})
		}
	}
}

// applyAll applies all objects and returns their versions.
func applyAll(t *testing.T, cluster *apiserver.Objects, objects []map[string]any) map[string]string {
	t.Helper()
	versions := map[string]string{}
	for _, object := range objects {
		applied, err := cluster.Apply(t.Context(), object)
		require.NoError(t, err)
		assert.Empty(t, cluster.Warnings(), kindAndName(object))
		versions[kindAndName(object)] = applied.GetResourceVersion()
	}
	return versions
}

// pod returns the pod that a Deployment would create.
func pod(t *testing.T, deployment map[string]any) map[string]any {
	t.Helper()
	template, ok := clone(deployment)["spec"].(map[string]any)["template"].(map[string]any)
	require.True(t, ok)
	metadata := template["metadata"].(map[string]any)
	metadata["name"] = deployment["metadata"].(map[string]any)["name"]
	metadata["namespace"] = deployment["metadata"].(map[string]any)["namespace"]
	return map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
}

// jobOf returns the Job of a CronJob in the form that pod expects.
func jobOf(t *testing.T, cronjob map[string]any) map[string]any {
	t.Helper()
	template, ok := clone(cronjob)["spec"].(map[string]any)["jobTemplate"].(map[string]any)
	require.True(t, ok)
	return map[string]any{"metadata": cronjob["metadata"], "spec": template["spec"]}
}
