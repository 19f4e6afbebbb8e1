package offline

import (
	"errors"
	"reflect"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/structpb"
)

// thingArgs has the form of a resource in an SDK.
type thingArgs struct{}

func (*thingArgs) ElementType() reflect.Type { return reflect.TypeFor[thingInputs]() }

type thingInputs struct {
	Size  int         `pulumi:"size"`
	Name  *string     `pulumi:"name"`
	Wipe  *bool       `pulumi:"wipe"`
	Data  *string     `pulumi:"data"`
	Rules []thingRule `pulumi:"rules"`
	Any   any         `pulumi:"any"`
}

type thingRule struct {
	Port int     `pulumi:"port"`
	Note *string `pulumi:"note"`
}

type thing struct {
	pulumi.CustomResourceState
	Size    pulumi.IntOutput         `pulumi:"size"`
	Address pulumi.StringOutput      `pulumi:"address"`
	Tags    pulumi.StringMapOutput   `pulumi:"tags"`
	Ports   pulumi.IntArrayOutput    `pulumi:"ports"`
	Maybe   pulumi.StringPtrOutput   `pulumi:"maybe"`
	On      pulumi.BoolOutput        `pulumi:"on"`
	Rules   pulumi.StringArrayOutput `pulumi:"rules"`
}

const kind = "test:index:Thing"

func provider(effect Effect) *Provider {
	return New(Schema{
		Package: "test", Version: "1.0.0", Config: &thingArgs{},
		Resources: map[string]Resource{kind: {
			Args: &thingArgs{}, State: thing{}, Replaces: []string{"size"}, ReplacesIf: map[string]Condition{"data": WhenTrue("wipe")}, Named: "name",
		}},
		Functions: map[string]Function{"test:index:ask": func(args resource.PropertyMap) (resource.PropertyMap, error) { return args, nil }},
	}, effect)
}

func props(t *testing.T, values map[string]any) *structpb.Struct {
	t.Helper()
	s, err := marshal(resource.NewPropertyMapFromMap(values))
	require.NoError(t, err)
	return s
}

func TestCheckHoldsInputsAgainstTheSDK(t *testing.T) {
	for name, one := range map[string]struct {
		inputs map[string]any
		wrong  []string
	}{
		"right":           {map[string]any{"size": 1, "rules": []any{map[string]any{"port": 80}}, "any": map[string]any{"x": 1}}, nil},
		"missing":         {map[string]any{}, []string{"size"}},
		"missing, nested": {map[string]any{"size": 1, "rules": []any{map[string]any{"note": "x"}}}, []string{"rules[0].port"}},
		"unknown":         {map[string]any{"size": 1, "sizes": 1}, []string{"sizes"}},
		"unknown, nested": {map[string]any{"size": 1, "rules": []any{map[string]any{"port": 1, "ports": 2}}}, []string{"rules[0].ports"}},
		"another type":    {map[string]any{"size": "1", "rules": map[string]any{}}, []string{"rules", "size"}},
		"not known yet":   {map[string]any{"size": resource.MakeComputed(resource.NewStringProperty(""))}, nil},
		"a secret":        {map[string]any{"size": resource.MakeSecret(resource.NewStringProperty("x"))}, []string{"size"}},
	} {
		t.Run(name, func(t *testing.T) {
			resp, err := provider(nil).Check(t.Context(), &pulumirpc.CheckRequest{Type: kind, Name: "a", News: props(t, one.inputs), RandomSeed: []byte("seed")})
			require.NoError(t, err)
			var wrong []string
			for _, f := range resp.GetFailures() {
				wrong = append(wrong, f.GetProperty())
			}
			assert.ElementsMatch(t, one.wrong, wrong)
		})
	}
	_, err := provider(nil).Check(t.Context(), &pulumirpc.CheckRequest{Type: "test:index:Other"})
	assert.ErrorContains(t, err, "has no resource type test:index:Other")
}

func TestCheckNamesWhatHasNoName(t *testing.T) {
	p := provider(nil)
	check := func(olds, news map[string]any, seed string) any {
		resp, err := p.Check(t.Context(), &pulumirpc.CheckRequest{Type: kind, Name: "a", Olds: props(t, olds), News: props(t, news), RandomSeed: []byte(seed)})
		require.NoError(t, err)
		inputs, err := unmarshal(resp.GetInputs())
		require.NoError(t, err)
		return Plain(inputs)["name"]
	}
	first := check(nil, map[string]any{"size": 1}, "one")
	assert.Regexp(t, "^a-[0-9a-f]{7}$", first)
	assert.NotEqual(t, first, check(nil, map[string]any{"size": 1}, "two"), "a replacement stands beside the old one")
	assert.Equal(t, first, check(map[string]any{"name": first}, map[string]any{"size": 1}, "two"), "what has one keeps it")
	assert.Equal(t, "mine", check(nil, map[string]any{"size": 1, "name": "mine"}, "one"))
}

func TestDiff(t *testing.T) {
	olds := map[string]any{"size": 1, "data": "a", "wipe": true, "name": "x"}
	for name, one := range map[string]struct {
		news             map[string]any
		diffs, replacing []string
		ignore           []string
	}{
		"nothing":                {news: olds},
		"in place":               {news: map[string]any{"size": 1, "data": "a", "wipe": true, "name": "y"}, diffs: []string{"name"}},
		"another one":            {news: map[string]any{"size": 2, "data": "a", "wipe": true, "name": "x"}, diffs: []string{"size"}, replacing: []string{"size"}},
		"another one, by a flag": {news: map[string]any{"size": 1, "data": "b", "wipe": true, "name": "x"}, diffs: []string{"data"}, replacing: []string{"data"}},
		"not without the flag":   {news: map[string]any{"size": 1, "data": "b", "name": "x"}, diffs: []string{"data", "wipe"}},
		"gone":                   {news: map[string]any{"size": 1, "data": "a", "wipe": true}, diffs: []string{"name"}},
		"ignored":                {news: map[string]any{"size": 2, "data": "a", "wipe": true, "name": "x"}, ignore: []string{"size"}},
		"secret or not":          {news: map[string]any{"size": 1, "data": resource.MakeSecret(resource.NewStringProperty("a")), "wipe": true, "name": "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			resp, err := provider(nil).Diff(t.Context(), &pulumirpc.DiffRequest{
				Type: kind, OldInputs: props(t, olds), News: props(t, one.news), IgnoreChanges: one.ignore,
			})
			require.NoError(t, err)
			assert.Equal(t, one.diffs, resp.GetDiffs())
			assert.Equal(t, one.replacing, resp.GetReplaces())
			assert.Equal(t, len(one.diffs) > 0, resp.GetChanges() == pulumirpc.DiffResponse_DIFF_SOME)
		})
	}
}

func TestAResourcesLife(t *testing.T) {
	p := provider(nil)
	inputs := map[string]any{"size": 3}
	foreseen, err := p.Create(t.Context(), &pulumirpc.CreateRequest{Type: kind, Name: "a", Properties: props(t, inputs), Preview: true})
	require.NoError(t, err)
	before, err := unmarshal(foreseen.GetProperties())
	require.NoError(t, err)
	assert.True(t, before["address"].IsComputed(), "what the cloud fills in is not known before")
	assert.Equal(t, 3, int(before["size"].NumberValue()))
	assert.Empty(t, p.Events())

	made, err := p.Create(t.Context(), &pulumirpc.CreateRequest{Type: kind, Name: "a", Properties: props(t, inputs)})
	require.NoError(t, err)
	after, err := unmarshal(made.GetProperties())
	require.NoError(t, err)
	assert.Equal(t, map[string]any{
		"size": 3.0, "address": "Thing-1-address", "tags": map[string]any{}, "ports": []any{}, "on": false, "rules": []any{},
	}, Plain(after))

	_, err = p.Update(t.Context(), &pulumirpc.UpdateRequest{
		Type: kind, Name: "a", Id: made.GetId(), Olds: made.GetProperties(), OldInputs: props(t, inputs), News: props(t, map[string]any{"size": 4}),
	})
	require.NoError(t, err)
	read, err := p.Read(t.Context(), &pulumirpc.ReadRequest{Id: made.GetId(), Type: kind})
	require.NoError(t, err)
	now, err := unmarshal(read.GetProperties())
	require.NoError(t, err)
	assert.Equal(t, resource.NewNumberProperty(4), now["size"])
	assert.Equal(t, "Thing-1-address", Plain(now)["address"], "an update keeps what the cloud filled in")

	_, err = p.Delete(t.Context(), &pulumirpc.DeleteRequest{Id: made.GetId(), Type: kind})
	require.NoError(t, err)
	gone, err := p.Read(t.Context(), &pulumirpc.ReadRequest{Id: made.GetId(), Type: kind})
	require.NoError(t, err)
	assert.Empty(t, gone.GetId())
	_, err = p.Delete(t.Context(), &pulumirpc.DeleteRequest{Id: made.GetId(), Type: kind})
	require.Error(t, err)
	var done []string
	for _, e := range p.Events() {
		done = append(done, e.String())
	}
	assert.Equal(t, []string{"create test:index:Thing a", "update test:index:Thing a", "delete test:index:Thing a"}, done)
}

func TestTheCloudMaySayNo(t *testing.T) {
	p := provider(func(*Event) error { return errors.New("quota exceeded") })
	_, err := p.Create(t.Context(), &pulumirpc.CreateRequest{Type: kind, Name: "a", Properties: props(t, map[string]any{"size": 1})})
	require.ErrorContains(t, err, "quota exceeded")
	assert.Empty(t, p.Existing())
	assert.Empty(t, p.Events())
}

func TestInvoke(t *testing.T) {
	resp, err := provider(nil).Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: "test:index:ask", Args: props(t, map[string]any{"a": 1})})
	require.NoError(t, err)
	assert.Equal(t, 1, int(resp.GetReturn().GetFields()["a"].GetNumberValue()))
	_, err = provider(nil).Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: "test:index:other"})
	assert.ErrorContains(t, err, "has no function test:index:other")
}

func TestConfigurationIsHeldAgainstTheSDK(t *testing.T) {
	p := provider(nil)
	resp, err := p.CheckConfig(t.Context(), &pulumirpc.CheckRequest{News: props(t, map[string]any{"name": "x", "regoin": "y", "version": "1"})})
	require.NoError(t, err)
	require.Len(t, resp.GetFailures(), 1)
	assert.Equal(t, "regoin", resp.GetFailures()[0].GetProperty())
	_, err = p.Configure(t.Context(), &pulumirpc.ConfigureRequest{Args: props(t, map[string]any{"name": "x"})})
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"name": "x"}, Plain(p.Config()))
}
