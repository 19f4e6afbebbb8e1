package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/stackfile"
)

// pluginName is the name under which the test binary is the plugin of things.
const pluginName = "pulumi-resource-test"

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != pluginName {
		os.Exit(m.Run())
	}
	if err := servePlugin(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func servePlugin() error {
	provider, err := infer.NewProviderBuilder().WithResources(infer.Resource(&thing{newWorld()})).Build()
	if err != nil {
		return err
	}
	return p.RunProvider(context.Background(), "test", "2.0.0", provider)
}

// TestPluginFromAFolder checks a provider that runs as a process, also while the
// engine may install none.
func TestPluginFromAFolder(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	folder := t.TempDir()
	require.NoError(t, os.Symlink(self, filepath.Join(folder, pluginName)))
	file, err := stackfile.Parse("Pulumi.x.yaml", []byte("config:\n  things:token: abc\n"))
	require.NoError(t, err)
	options := Options{
		Project: "things", Stack: "x", File: file, State: t.TempDir(), Root: t.TempDir(),
		Program: func([]string) pulumi.RunFunc { return things }, Offline: true,
	}
	without, err := Open(options)
	require.NoError(t, err)
	_, err = without.Up(t.Context(), Run{})
	require.Error(t, err)

	options.Providers, options.State = []Provider{{Name: "test", Path: folder}}, t.TempDir()
	s, err := Open(options)
	require.NoError(t, err)
	result := must(t, s.Up, Run{})
	assert.Equal(t, map[string]int{"create": 4}, result.Changes)
	assert.Equal(t, Output{Value: "with 3 letters"}, result.Outputs["made"])
}
