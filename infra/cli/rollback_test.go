package cli

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/stackfile"
	"escala/infra/operate"
	"escala/service/event"
)

func TestARollbackGoesToTheReleaseBefore(t *testing.T) {
	var updates []operate.Update
	s := &operate.Stack{
		Outputs: map[string]any{"releases": []any{"served last", "the one before", "older"}},
		Updates: func(context.Context, time.Time, int) ([]operate.Update, error) { return updates, nil },
	}
	add := func(kind event.Kind, result string) {
		var u operate.Update
		u.Kind, u.Result = kind, result
		updates = append(updates, u)
	}
	want := func(release string) {
		t.Helper()
		got, err := goal(t.Context(), s)
		require.NoError(t, err)
		assert.Equal(t, release, got)
	}
	want("the one before")
	add(event.Update, event.Succeeded)
	want("the one before")
	add(event.Update, event.Failed)
	want("served last")
	add(event.Refresh, event.Succeeded)
	want("served last")
	add(event.Rollback, event.Succeeded)
	want("the one before")

	for _, releases := range []any{nil, []any{}, []any{"current"}, "x"} {
		s.Outputs["releases"] = releases
		_, err := goal(t.Context(), s)
		require.ErrorContains(t, err, "the stack has no earlier release")
	}
	s.Outputs["releases"] = []any{"current", 2.0}
	_, err := goal(t.Context(), s)
	require.ErrorContains(t, err, "instead of a release id")
}

// TestARollbackElsewhereRunsPulumi checks that Pulumi's command line updates a stack
// whose state is in Pulumi Cloud.
func TestARollbackElsewhereRunsPulumi(t *testing.T) {
	root, bin := t.TempDir(), t.TempDir()
	path := stackfile.Path(root, "x")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte("config:\n  escala:target: aws-ec2\n"), 0o600))
	asked := filepath.Join(root, "asked")
	require.NoError(t, os.WriteFile(filepath.Join(bin, "pulumi"), []byte("#!/bin/sh\necho \"$PWD $*\" >"+asked+"\n"), 0o755))
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	s := &operate.Stack{Root: root, Name: "x", SharedBackend: true}
	require.NoError(t, pin(t.Context(), &opener{stack: "x"}, s, "abcdef"))
	file, err := stackfile.Read(path)
	require.NoError(t, err)
	assert.Equal(t, "abcdef", file.String(releaseKey))
	content, err := os.ReadFile(asked)
	require.NoError(t, err)
	assert.Equal(t, root+" up --yes --skip-preview --stack x\n", string(content))
}
