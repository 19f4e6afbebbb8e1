package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/plan"
	"escala/infra/plan/report"
)

func TestAPlanWithErrorsFails(t *testing.T) {
	write, err := report.Format(report.Text, false)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, finish(&b, plan.New(plan.Stack{Findings: []plan.Finding{{Level: plan.Warning}, {Level: plan.Notice}}}), write))
	require.ErrorIs(t, finish(&b, plan.New(plan.Stack{Findings: []plan.Finding{{Level: plan.Error}}}), write), errFindings)
	require.ErrorIs(t, finish(&b, plan.New(plan.Stack{Error: "no"}), write), errFindings)
}

func TestAllStacksAreThoseWithAFile(t *testing.T) {
	root := t.TempDir()
	_, err := stacksOf(root)
	require.ErrorContains(t, err, "looking for stacks")
	require.NoError(t, os.Mkdir(filepath.Join(root, "stacks"), 0o755))
	_, err = stacksOf(root)
	require.ErrorContains(t, err, "has no file")
	for _, name := range []string{"Pulumi.b.yaml", "Pulumi.a.yaml", "Pulumi.yaml", "README.md", "Pulumi.c.yaml.orig"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, "stacks", name), nil, 0o644))
	}
	names, err := stacksOf(root)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b"}, names)
	assert.True(t, hasStack(root, "a"))
	assert.False(t, hasStack(root, "d"))
}
