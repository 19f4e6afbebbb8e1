package kubeapply_test

import (
	"context"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/structpb"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"escala/infra/testing/apiserver"
	"escala/infra/testing/kubeapply"
)

var keep = plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true}

func wire(t *testing.T, values map[string]any) *structpb.Struct {
	t.Helper()
	s, err := plugin.MarshalProperties(resource.NewPropertyMapFromMap(values), keep)
	require.NoError(t, err)
	return s
}

func unwired(t *testing.T, s *structpb.Struct) map[string]any {
	t.Helper()
	props, err := plugin.UnmarshalProperties(s, plugin.MarshalOptions{KeepUnknowns: true})
	require.NoError(t, err)
	return props.Mappable()
}

// server returns a provider connected to a real kube-apiserver, and a client
// that acts as other managers.
func server(t *testing.T) (*kubeapply.Provider, dynamic.Interface) {
	t.Helper()
	kubeconfig := apiserver.Start(t).Kubeconfig
	p := kubeapply.New()
	_, err := p.Configure(t.Context(), &pulumirpc.ConfigureRequest{Args: wire(t, map[string]any{"kubeconfig": kubeconfig})})
	require.NoError(t, err)
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	require.NoError(t, err)
	others, err := dynamic.NewForConfig(config)
	require.NoError(t, err)
	return p, others
}

var configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

func configMap(name string, data map[string]any) map[string]any {
	return map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "namespace": "default"}, "data": data}
}

func TestAnObjectsLife(t *testing.T) {
	p, others := server(t)
	first := wire(t, configMap("life", map[string]any{"a": "1", "b": "2"}))
	second := wire(t, configMap("life", map[string]any{"a": "1"}))

	foreseen, err := p.Create(t.Context(), &pulumirpc.CreateRequest{Properties: first, Preview: true})
	require.NoError(t, err)
	assert.Empty(t, foreseen.GetId())
	_, err = others.Resource(configMaps).Namespace("default").Get(t.Context(), "life", metav1.GetOptions{})
	require.Error(t, err, "a preview makes nothing")

	made, err := p.Create(t.Context(), &pulumirpc.CreateRequest{Properties: first})
	require.NoError(t, err)
	assert.Equal(t, "default/life", made.GetId())
	_, err = p.Create(t.Context(), &pulumirpc.CreateRequest{Properties: first})
	require.ErrorContains(t, err, "it is there already")

	same, err := p.Diff(t.Context(), &pulumirpc.DiffRequest{OldInputs: first, News: first})
	require.NoError(t, err)
	assert.Equal(t, pulumirpc.DiffResponse_DIFF_NONE, same.GetChanges())
	replaced, err := p.Diff(t.Context(), &pulumirpc.DiffRequest{OldInputs: first, News: second})
	require.NoError(t, err)
	assert.Equal(t, []string{"data"}, replaced.GetReplaces())
	assert.True(t, replaced.GetDeleteBeforeReplace(), "it keeps its name")

	updated, err := p.Update(t.Context(), &pulumirpc.UpdateRequest{Id: made.GetId(), News: second})
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"a": "1"}, unwired(t, updated.GetProperties())["data"], "what is not asked for any more goes")

	_, err = others.Resource(configMaps).Namespace("default").Patch(t.Context(), "life", types.MergePatchType, []byte(`{"data":{"a":"other","c":"theirs"}}`), metav1.PatchOptions{FieldManager: "somebody"})
	require.NoError(t, err)
	read, err := p.Read(t.Context(), &pulumirpc.ReadRequest{Id: made.GetId(), Inputs: second})
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"a": "other"}, unwired(t, read.GetInputs())["data"])

	removeFinalizers(t, others, "life")
	_, err = p.Delete(t.Context(), &pulumirpc.DeleteRequest{Id: made.GetId(), Properties: updated.GetProperties()})
	require.NoError(t, err)
	gone, err := p.Read(t.Context(), &pulumirpc.ReadRequest{Id: made.GetId(), Inputs: second})
	require.NoError(t, err)
	assert.Empty(t, gone.GetId())
	_, err = p.Delete(t.Context(), &pulumirpc.DeleteRequest{Id: made.GetId(), Properties: updated.GetProperties()})
	require.NoError(t, err, "what is gone is deleted")
}

// removeFinalizers removes the finalizers once an object is being deleted, as
// the garbage collector does in a cluster with controllers.
func removeFinalizers(t *testing.T, others dynamic.Interface, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	go func() {
		for ctx.Err() == nil {
			o, err := others.Resource(configMaps).Namespace("default").Get(ctx, name, metav1.GetOptions{})
			if err == nil && o.GetDeletionTimestamp() != nil {
				_, _ = others.Resource(configMaps).Namespace("default").Patch(ctx, name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}()
}

func TestDeletingWaitsUntilTheObjectIsGone(t *testing.T) {
	p, _ := server(t)
	stays := wire(t, configMap("stays", nil))
	made, err := p.Create(t.Context(), &pulumirpc.CreateRequest{Properties: stays})
	require.NoError(t, err)
	// This cluster has no garbage collector.
	_, err = p.Delete(t.Context(), &pulumirpc.DeleteRequest{Id: made.GetId(), Properties: made.GetProperties(), Timeout: 1})
	require.ErrorContains(t, err, "it is still there after 1s")
}

func TestWhatTheServerDoesNotKnowIsRefused(t *testing.T) {
	p, _ := server(t)
	misspelt := configMap("misspelt", nil)
	misspelt["dtaa"] = map[string]any{}
	_, err := p.Create(t.Context(), &pulumirpc.CreateRequest{Properties: wire(t, misspelt)})
	require.ErrorContains(t, err, "dtaa")
	_, err = p.Create(t.Context(), &pulumirpc.CreateRequest{Properties: wire(t, map[string]any{"apiVersion": "v1", "kind": "Thing", "metadata": map[string]any{"name": "x"}})})
	require.ErrorContains(t, err, "the cluster has no Thing in v1")
}

func deployment(name string, replicas any, annotations map[string]any) map[string]any {
	labels := map[string]any{"app": name}
	spec := map[string]any{
		"selector": map[string]any{"matchLabels": labels},
		"template": map[string]any{
			"metadata": map[string]any{"labels": labels},
			// The server normalizes 1000m to 1.
			"spec": map[string]any{"containers": []any{map[string]any{"name": "c", "image": "i", "resources": map[string]any{"requests": map[string]any{"cpu": "1000m"}}}}},
		},
	}
	if replicas != nil {
		spec["replicas"] = replicas
	}
	return map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": name, "namespace": "default", "annotations": annotations},
		"spec":     spec,
	}
}

func TestANotReadyObjectIsKeptAndReported(t *testing.T) {
	p, _ := server(t)
	_, err := p.Create(t.Context(), &pulumirpc.CreateRequest{Properties: wire(t, deployment("unready", 1, nil)), Timeout: 1})
	require.ErrorContains(t, err, "it is not ready after 1s: the controller has not seen it yet")
	_, err = p.Read(t.Context(), &pulumirpc.ReadRequest{Id: "default/unready", Inputs: wire(t, deployment("unready", 1, nil))})
	require.ErrorContains(t, err, "the controller has not seen it yet")
}

func TestAnAutoscalersNumberOfPodsStays(t *testing.T) {
	p, others := server(t)
	notAwaited := map[string]any{"pulumi.com/skipAwait": "true"}
	free := wire(t, deployment("scaled", nil, notAwaited))
	_, err := p.Create(t.Context(), &pulumirpc.CreateRequest{Properties: free})
	require.NoError(t, err)
	deployments := others.Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}).Namespace("default")
	_, err = deployments.Patch(t.Context(), "scaled", types.MergePatchType, []byte(`{"spec":{"replicas":5}}`), metav1.PatchOptions{FieldManager: "autoscaler"})
	require.NoError(t, err)

	same, err := p.Diff(t.Context(), &pulumirpc.DiffRequest{OldInputs: free, News: free})
	require.NoError(t, err)
	assert.Equal(t, pulumirpc.DiffResponse_DIFF_NONE, same.GetChanges(), "%v", same.GetDiffs())
	_, err = p.Update(t.Context(), &pulumirpc.UpdateRequest{
		Id: "default/scaled", News: wire(t, deployment("scaled", 2, notAwaited)), IgnoreChanges: []string{"spec.replicas"},
	})
	require.NoError(t, err)
	live, err := deployments.Get(t.Context(), "scaled", metav1.GetOptions{})
	require.NoError(t, err)
	replicas, _, err := unstructured.NestedInt64(live.Object, "spec", "replicas")
	require.NoError(t, err)
	assert.EqualValues(t, 5, replicas)

	// Without that option, taking the number back is a conflict that the user
	// must see.
	_, err = p.Update(t.Context(), &pulumirpc.UpdateRequest{Id: "default/scaled", News: wire(t, deployment("scaled", 2, notAwaited))})
	require.ErrorContains(t, err, "conflict")
}
