package kubeapply

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func properties(values map[string]any) resource.PropertyMap {
	return resource.NewPropertyMapFromMap(values)
}

func encoded(t *testing.T, values map[string]any) *structpb.Struct {
	t.Helper()
	s, err := marshal(properties(values))
	require.NoError(t, err)
	return s
}

// parsed returns an object decoded from a server's JSON.
func parsed(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	var o unstructured.Unstructured
	require.NoError(t, json.Unmarshal([]byte(text), &o))
	return &o
}

func TestCheckNamesWhatHasNoName(t *testing.T) {
	p := New()
	check := func(seed string, news, olds map[string]any) *unstructured.Unstructured {
		resp, err := p.Check(t.Context(), &pulumirpc.CheckRequest{Name: "api", RandomSeed: []byte(seed), News: encoded(t, news), Olds: encoded(t, olds)})
		require.NoError(t, err)
		require.Empty(t, resp.GetFailures())
		inputs, err := unmarshal(resp.GetInputs())
		require.NoError(t, err)
		o, known := object(inputs)
		require.True(t, known)
		return o
	}
	unnamed := map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}
	first := check("one", unnamed, nil)
	assert.Regexp(t, "^api-[0-9a-f]{8}$", first.GetName())
	assert.NotEqual(t, first.GetName(), check("two", unnamed, nil).GetName())
	assert.Equal(t, first.GetName(), check("two", unnamed, first.Object).GetName(), "it keeps its name")
	named := map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "mine"}}
	assert.Equal(t, "mine", check("one", named, first.Object).GetName())
}

func TestCheckRefusesWhatItWouldDoOtherwise(t *testing.T) {
	resp, err := New().Check(t.Context(), &pulumirpc.CheckRequest{Name: "api", News: encoded(t, map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{"pulumi.com/waitFor": "condition=Ready"}},
	})})
	require.NoError(t, err)
	var wrong []string
	for _, f := range resp.GetFailures() {
		wrong = append(wrong, f.GetProperty())
	}
	assert.Equal(t, []string{"apiVersion", "kind", "metadata"}, wrong)
	config, err := New().CheckConfig(t.Context(), &pulumirpc.CheckRequest{News: encoded(t, map[string]any{"kubeconfig": "x", "renderYamlToDirectory": "y"})})
	require.NoError(t, err)
	require.Len(t, config.GetFailures(), 1)
	assert.Equal(t, "renderYamlToDirectory", config.GetFailures()[0].GetProperty())
}

func TestNothingIsDoneUnconfigured(t *testing.T) {
	_, err := New().Create(t.Context(), &pulumirpc.CreateRequest{})
	assert.ErrorContains(t, err, "not configured")
}

func TestPlainValues(t *testing.T) {
	secret := func(v any) resource.PropertyValue { return resource.MakeSecret(resource.NewPropertyValue(v)) }
	o, known := object(resource.PropertyMap{
		"port":   resource.NewNumberProperty(3000),
		"share":  resource.NewNumberProperty(0.5),
		"secret": secret(map[string]any{"a": "b"}),
		"none":   resource.NewNullProperty(),
		"output": resource.NewOutputProperty(resource.Output{Element: resource.NewStringProperty("x"), Known: true, Secret: true}),
	})
	assert.True(t, known)
	assert.Equal(t, map[string]any{"port": int64(3000), "share": 0.5, "secret": map[string]any{"a": "b"}, "output": "x"}, o.Object)

	o, known = object(resource.PropertyMap{"spec": resource.NewObjectProperty(resource.PropertyMap{
		"later": resource.MakeComputed(resource.NewStringProperty("")), "now": resource.NewStringProperty("x"),
	})})
	assert.False(t, known)
	assert.Equal(t, map[string]any{"spec": map[string]any{"now": "x"}}, o.Object)
}

func TestSecretsStaySecret(t *testing.T) {
	live := parsed(t, `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","managedFields":[{"manager":"x"}]},"data":{"KEY":"dmFsdWU="}}`)
	asked := properties(map[string]any{"kind": "Secret", "stringData": map[string]any{"KEY": "value"}})
	props := state(live, asked)
	assert.True(t, props["data"].IsSecret())
	assert.False(t, props["metadata"].ObjectValue().HasValue("managedFields"))
	assert.Equal(t, "value", keptInputs(live, asked)["stringData"].ObjectValue()["KEY"].StringValue(), "as it was asked for, not in base64")

	deployment := parsed(t, `{"kind":"Deployment","spec":{"a":"hidden","list":[{"x":"hidden"}],"b":"shown"}}`)
	props = state(deployment, resource.PropertyMap{"spec": resource.NewObjectProperty(resource.PropertyMap{
		"a":    resource.MakeSecret(resource.NewStringProperty("hidden")),
		"list": resource.NewArrayProperty([]resource.PropertyValue{resource.NewObjectProperty(resource.PropertyMap{"x": resource.MakeSecret(resource.NewStringProperty("hidden"))})}),
		"b":    resource.NewStringProperty("shown"),
	})})
	spec := props["spec"].ObjectValue()
	assert.True(t, spec["a"].IsSecret())
	assert.True(t, spec["list"].IsSecret())
	assert.False(t, spec["b"].IsSecret())
}

func TestKeptInputsHaveTheShapeOfTheInputsAndTheValuesOfTheCluster(t *testing.T) {
	live := parsed(t, `{"kind":"Deployment","spec":{"replicas":5,"paused":true,"template":{"containers":[{"name":"api","image":"other","ports":[1]}]}}}`)
	asked := properties(map[string]any{"kind": "Deployment", "spec": map[string]any{
		"paused":   false,
		"template": map[string]any{"containers": []any{map[string]any{"name": "api", "image": "mine", "command": "x"}}},
	}})
	kept := resource.NewObjectProperty(keptInputs(live, asked)).Mappable()
	assert.Equal(t, map[string]any{"kind": "Deployment", "spec": map[string]any{
		"paused":   true,
		"template": map[string]any{"containers": []any{map[string]any{"name": "api", "image": "other"}}},
	}}, kept)
}

func TestReplacedBy(t *testing.T) {
	for name, one := range map[string]struct {
		before, after string
		settings      settings
		want          []string
	}{
		"same":                    {`{"kind":"Deployment","metadata":{"name":"a"}}`, `{"kind":"Deployment","metadata":{"name":"a"},"spec":{"replicas":1}}`, settings{}, nil},
		"name and namespace":      {`{"kind":"Deployment","metadata":{"name":"a","namespace":"x"}}`, `{"kind":"Deployment","metadata":{"name":"b","namespace":"y"}}`, settings{}, []string{"metadata"}},
		"selector":                {`{"kind":"Deployment","spec":{"selector":{"a":"b"}}}`, `{"kind":"Deployment","spec":{"selector":{"a":"c"}}}`, settings{}, []string{"spec"}},
		"a ConfigMap's data":      {`{"kind":"ConfigMap","data":{"a":"b"}}`, `{"kind":"ConfigMap","data":{"a":"c"}}`, settings{}, []string{"data"}},
		"a mutable one's":         {`{"kind":"ConfigMap","data":{"a":"b"}}`, `{"kind":"ConfigMap","data":{"a":"c"}}`, settings{mutableMaps: true}, nil},
		"an immutable one's":      {`{"kind":"ConfigMap","data":{"a":"b"}}`, `{"kind":"ConfigMap","immutable":true,"data":{"a":"c"}}`, settings{mutableMaps: true}, []string{"data"}},
		"a Secret's stringData":   {`{"kind":"Secret","stringData":{"a":"b"}}`, `{"kind":"Secret","stringData":{"a":"c"}}`, settings{mutableMaps: true}, []string{"stringData"}},
		"a mutable Secret's":      {`{"kind":"Secret","stringData":{"a":"b"}}`, `{"kind":"Secret","stringData":{"a":"c"}}`, settings{mutableSecrets: true}, nil},
		"a mutable Secret's type": {`{"kind":"Secret","type":"Opaque"}`, `{"kind":"Secret","type":"x/y"}`, settings{mutableSecrets: true}, []string{"type"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := &cluster{settings: one.settings}
			assert.Equal(t, one.want, c.replacedBy(parsed(t, one.before), parsed(t, one.after)))
		})
	}
}

func TestTimeout(t *testing.T) {
	said := parsed(t, `{"kind":"Ingress","metadata":{"annotations":{"pulumi.com/timeoutSeconds":"30"}}}`)
	assert.Equal(t, 30*time.Second, timeout(said, 0))
	assert.Equal(t, 90*time.Second, timeout(said, 90))
	assert.Equal(t, usualTimeout, timeout(parsed(t, `{"kind":"Ingress"}`), 0))
}

func TestReady(t *testing.T) {
	for name, one := range map[string]struct{ object, missing string }{
		"a ConfigMap": {`{"apiVersion":"v1","kind":"ConfigMap"}`, ""},
		"not seen":    {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":2},"status":{"observedGeneration":1}}`, "the controller has not seen it yet"},
		"rolling": {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":3},"status":{"observedGeneration":2,"updatedReplicas":1,"replicas":4,"availableReplicas":3,
			"conditions":[{"type":"Progressing","status":"False","message":"took too long"},{"type":"Available","status":"True","message":"is fine"}]}}`, "1 of 3 pods are of the new kind; took too long"},
		"old ones left": {`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":3},"status":{"updatedReplicas":3,"replicas":4,"availableReplicas":3}}`, "old pods are still there"},
		"not available": {`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":3},"status":{"updatedReplicas":3,"replicas":3,"availableReplicas":2}}`, "2 of 3 pods are available"},
		"rolled out":    {`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":3},"status":{"updatedReplicas":3,"replicas":3,"availableReplicas":3}}`, ""},
		"no address":    {`{"apiVersion":"networking.k8s.io/v1","kind":"Ingress"}`, "no ingress controller has given it an address"},
		"an address":    {`{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}`, ""},
		"a balancer":    {`{"apiVersion":"v1","kind":"Service","spec":{"type":"LoadBalancer"}}`, "it has no address yet"},
		"headless":      {`{"apiVersion":"v1","kind":"Service","spec":{"clusterIP":"None","selector":{"a":"b"}}}`, ""},
		"a StatefulSet": {`{"apiVersion":"apps/v1","kind":"StatefulSet","spec":{"replicas":1},"status":{"readyReplicas":1,"currentRevision":"a","updateRevision":"b"}}`, "old pods are still there"},
	} {
		t.Run(name, func(t *testing.T) {
			missing, err := (&cluster{}).missing(t.Context(), parsed(t, one.object))
			require.NoError(t, err)
			assert.Equal(t, one.missing, missing)
		})
	}
}

func TestIgnoredFields(t *testing.T) {
	live := func(managers string) string {
		return `{"kind":"Deployment","metadata":{"name":"a","managedFields":[` + managers + `]},"spec":{"replicas":7}}`
	}
	const theirs = `{"manager":"autoscaler","operation":"Update","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:replicas":{}}}}`
	const ours = `{"manager":"pulumi-kubernetes","operation":"Apply","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:replicas":{}}}}`
	const other = `{"manager":"autoscaler","operation":"Update","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:paused":{}}}}`
	for name, one := range map[string]struct {
		managers string
		want     map[string]any
	}{
		"theirs":          {theirs, map[string]any{}},
		"ours":            {ours, map[string]any{"replicas": int64(7)}},
		"ours and theirs": {ours + "," + theirs, map[string]any{"replicas": int64(7)}},
		"nobody's":        {other, map[string]any{"replicas": int64(7)}},
	} {
		t.Run(name, func(t *testing.T) {
			asked := parsed(t, `{"kind":"Deployment","metadata":{"name":"a"},"spec":{"replicas":3}}`)
			require.NoError(t, ignore(asked, parsed(t, live(one.managers)), []string{"spec.replicas"}))
			assert.Equal(t, one.want, asked.Object["spec"])
		})
	}
	asked := parsed(t, `{"kind":"Pod"}`)
	assert.ErrorContains(t, ignore(asked, asked, []string{"spec.containers[0].image"}), "in no list")
}
