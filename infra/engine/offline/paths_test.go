package offline

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"
)

func TestChangedPaths(t *testing.T) {
	of := resource.NewPropertyMapFromMap
	for name, tt := range map[string]struct {
		before, after map[string]any
		want          []string
	}{
		"nothing":       {map[string]any{"a": 1, "b": nil}, map[string]any{"a": 1}, nil},
		"a block":       {map[string]any{"disk": map[string]any{"size": 8, "type": "gp3"}}, map[string]any{"disk": map[string]any{"size": 9, "type": "gp3"}}, []string{"disk.size"}},
		"a whole block": {map[string]any{}, map[string]any{"disk": map[string]any{"size": 9}}, []string{"disk"}},
		"a list":        {map[string]any{"rules": []any{"a"}}, map[string]any{"rules": []any{"b", "c"}}, []string{"rules[0]", "rules[1]"}},
		"in a list":     {map[string]any{"rules": []any{map[string]any{"id": 1}}}, map[string]any{"rules": []any{map[string]any{"id": 2}}}, []string{"rules[0].id"}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt.want, changedPaths(of(tt.before), of(tt.after))) })
	}
	secret := resource.PropertyMap{"a": resource.MakeSecret(resource.NewProperty("x"))}
	assert.Empty(t, changedPaths(secret, of(map[string]any{"a": "x"})))
}

func TestWithin(t *testing.T) {
	for path, want := range map[string]bool{
		"disk.encrypted": true, "disk": true, "disk.encrypted.x": true, "disk.size": false, "disks.encrypted": false, "disk.encryptedBy": false,
	} {
		assert.Equal(t, want, within(path, "disk.encrypted"), path)
	}
	assert.Equal(t, "rules.filter", withoutIndices("rules[12].filter"))
	assert.Equal(t, "tags", withoutIndices(`tags["a.b"]`))
}
