package offline

import (
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFillOutputs(t *testing.T) {
	p := provider(func(e *Event) error {
		e.Outputs["address"] = e.Inputs["name"]
		return nil
	}).FillOutputs()
	checked, err := p.Check(t.Context(), &pulumirpc.CheckRequest{Type: kind, Name: "a", RandomSeed: []byte{1}, News: props(t, map[string]any{"size": 1})})
	require.NoError(t, err)
	again, err := p.Check(t.Context(), &pulumirpc.CheckRequest{Type: kind, Name: "a", RandomSeed: []byte{2}, News: props(t, map[string]any{"size": 1})})
	require.NoError(t, err)
	assert.Equal(t, checked.GetInputs().AsMap(), again.GetInputs().AsMap(), "the same each time")

	made, err := p.Create(t.Context(), &pulumirpc.CreateRequest{Type: kind, Name: "a", Preview: true, Properties: checked.GetInputs()})
	require.NoError(t, err)
	assert.Equal(t, "made-up-a", made.GetId())
	outputs, err := unmarshal(made.GetProperties())
	require.NoError(t, err)
	assert.Equal(t, "a-made-up", Plain(outputs)["address"], "the effect is applied in a preview too")
	assert.False(t, outputs.ContainsUnknowns())
	assert.Empty(t, p.Existing())
	assert.Empty(t, p.Events())
}

func TestWatchNotesWhatIsAsked(t *testing.T) {
	w := Watch(provider(nil).FillOutputs())
	_, err := w.Create(t.Context(), &pulumirpc.CreateRequest{
		Urn: "urn:a", Type: kind, Name: "a", Preview: true, Properties: props(t, map[string]any{"size": 1, "data": "x", "wipe": true, "rules": []any{map[string]any{"port": 1}}}),
	})
	require.NoError(t, err)
	require.Len(t, w.Wanted(), 1)
	one := w.Wanted()[0]
	assert.Equal(t, "urn:a", one.URN)
	assert.Equal(t, "made-up-a", one.ID)
	assert.Equal(t, "x", Plain(one.Inputs)["data"])

	replaces, err := w.ReplacedBy(t.Context(), one)
	require.NoError(t, err)
	assert.Equal(t, []string{"data", "size"}, replaces, "by the flag beside it, and always")

	_, err = w.Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: "test:index:ask", Args: props(t, map[string]any{"a": 1})})
	require.NoError(t, err)
	require.Len(t, w.Calls(), 1)
	assert.Equal(t, "test:index:ask", w.Calls()[0].Token)

	_, err = w.Create(t.Context(), &pulumirpc.CreateRequest{Type: "test:index:Other", Preview: true})
	require.Error(t, err)
	assert.Len(t, w.Wanted(), 1, "what is refused is not wanted")
}
