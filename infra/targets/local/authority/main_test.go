package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEarlierRootsStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "roots.pem")
	root := func(n string) string { return "-----BEGIN CERTIFICATE-----\n" + n + "\n-----END CERTIFICATE-----\n" }
	for _, n := range []string{"1", "2", "3", "4", "5", "6", "7"} {
		require.NoError(t, keepRoot(path, []byte(root(n))))
	}
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, root("7")+root("6")+root("5")+root("4")+root("3"), string(content))
}

func TestTargetIsTheMachine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "target")
	assert.False(t, target(path).IsValid())
	for content, want := range map[string]string{"10.1.2.3:80\n": "10.1.2.3", "nonsense": "invalid IP", "": "invalid IP"} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		assert.Equal(t, want, target(path).String(), strings.TrimSpace(content))
	}
}
