package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRewrite(t *testing.T) {
	folder := t.TempDir()
	schema, table := filepath.Join(folder, "schema.json"), filepath.Join(folder, "table.json")
	require.NoError(t, os.WriteFile(schema, []byte(`{
		"version": "2.0.0",
		"resources": {
			"x:a:A": {"inputProperties": {
				"name": {"type": "string", "willReplaceOnChanges": true},
				"tags": {"type": "object"},
				"disk": {"$ref": "#/types/x:a:Disk"},
				"rules": {"type": "array", "items": {"$ref": "#/types/x:a:Rule"}}
			}},
			"x:b:B": {"inputProperties": {"name": {"type": "string", "willReplaceOnChanges": true}}}
		},
		"types": {
			"x:a:Disk": {"properties": {"size": {"type": "integer"}, "encrypted": {"type": "boolean", "willReplaceOnChanges": true}}},
			"x:a:Rule": {"properties": {"port": {"type": "integer", "willReplaceOnChanges": true}, "then": {"$ref": "#/types/x:a:Rule"}}}
		}
	}`), 0o644))
	require.NoError(t, os.WriteFile(table, []byte(`{"package": "x", "version": "1.0.0", "replaces": {"x:a:A": ["old"]}}`), 0o644))
	require.NoError(t, rewrite(schema, table))
	b, err := os.ReadFile(table)
	require.NoError(t, err)
	assert.JSONEq(t, `{"package": "x", "version": "2.0.0", "replaces": {"x:a:A": ["disk.encrypted", "name", "rules.port"]}}`, string(b), "only the types that the table has")

	require.NoError(t, os.WriteFile(table, []byte(`{"replaces": {"x:c:C": []}}`), 0o644))
	assert.ErrorContains(t, rewrite(schema, table), "the schema has no resource x:c:C")
}
