package local_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"escala/infra/testing/conformance/local"
	"escala/infra/testing/loadgen"
)

// exampleRate is the number of quick requests a second to an example.
const exampleRate = 100

// TestExamples checks `make up` and releases of each example under load. Only the
// example on escala's runtime drains. SIGTERM ends the others at once.
func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("boots a machine for each example; -short leaves that out")
	}
	for name, example := range map[string]struct {
		service map[string]any
		// file is the file that a release changes: old becomes the release's name.
		file, old string
	}{
		"nethttp": {map[string]any{"runtime": "none", "source": "example", "package": "."}, "main.go", "hello"},
		"python": {
			map[string]any{"runtime": "none", "folder": "example/app", "command": []any{"python3", "app.py"}},
			"app/greeting.txt", "hello from Python",
		},
		"runtime": {map[string]any{"source": "example"}, "main.go", "hello"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
			defer cancel()
			clone := cloneWith(ctx, t, name)
			folder := filepath.Join(clone.Root, "example")
			example.service["name"] = name
			settings(t, folder, example.service)
			stack := local.NewStack(clone, map[string]any{
				"target": "local", "local": map[string]any{"port": freePort(t)}, "service": example.service,
			})
			defer func() { assert.NoError(t, stack.Destroy(context.WithoutCancel(ctx))) }()

			first, err := stack.Up(ctx)
			require.NoError(t, err)
			assert.Equal(t, first.Outputs["release"], serving(t, first.Outputs["url"]+"/"))

			mix := loadgen.NewMix()
			mix.Rate = exampleRate
			options := loadgen.NewOptions(first.Outputs["url"])
			options.Streams = mix.Streams()
			for i := range options.Streams {
				options.Streams[i].Echo = false
			}
			loading, stopLoad := context.WithCancel(ctx)
			defer stopLoad()
			generator, err := loadgen.Start(loading, options)
			require.NoError(t, err)
			mark := generator.Mark("releases")
			text, err := os.ReadFile(filepath.Join(folder, example.file))
			require.NoError(t, err)
			last := first
			for i := range *releases {
				changed := strings.Replace(string(text), example.old, fmt.Sprintf("release %d", i), 1)
				require.NoError(t, os.WriteFile(filepath.Join(folder, example.file), []byte(changed), 0o600))
				began := time.Now()
				u, err := stack.Up(ctx)
				require.NoError(t, err)
				assert.NotEqual(t, last.Outputs["release"], u.Outputs["release"])
				assert.Equal(t, u.Outputs["release"], serving(t, u.Outputs["url"]+"/"))
				t.Logf("release %d took %s", i, time.Since(began).Round(100*time.Millisecond))
				last = u
			}
			time.Sleep(3 * time.Second) // the longest requests in flight take 2 s
			got := generator.Snapshot().Since(mark)
			t.Logf("%d requests in %d releases, %d failed, %d not sent", got.OK+got.Failed, *releases, got.Failed, got.Unsent)
			assert.Positive(t, got.OK)
			if overload := loadgen.Overload(got.Lag); overload != "" && got.Failed+got.Unsent > 0 {
				t.Skip(overload)
			}
			assert.Zero(t, got.Unsent, "%v", got.UnsentKinds)
			assert.Zero(t, got.Failed, "%v %+v", got.Kinds, generator.Failures(mark.At))
		})
	}
}

// settings adds the keys of the example's service.yaml, if it has one, and makes its
// go.mod find the runtime in the clone around it.
func settings(t *testing.T, folder string, keys map[string]any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, "service.yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(content, &keys))
	path := filepath.Join(folder, "go.mod")
	content, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(content), "=> ../..\n")
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(content), "=> ../..\n", "=> ..\n", 1)), 0o600))
}
