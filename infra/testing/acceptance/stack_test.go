package acceptance

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/pkg/v3/secrets"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/require"

	"escala/infra/engine"
	"escala/infra/engine/offline"
	"escala/infra/engine/offline/clouds"
	"escala/infra/engine/stackfile"
	"escala/infra/program"
	"escala/infra/targets"
	"escala/infra/workspace"
)

// stack is a cloud stack under the real engine, in its own clone with a service
// of one line.
type stack struct {
	t     *testing.T
	cloud cloud
	world *world
	// cloudProvider is the cloud's provider, which records requests. It is nil without a
	// cloud.
	cloudProvider *offline.Provider
	clone         string
	// lines holds the configuration in YAML. secrets are set beside it.
	lines   string
	secrets map[string]string
	// key encrypts the secrets; salt is its salt.
	key  secrets.Manager
	salt string
	// providers are the cloud's and those beside it.
	providers []engine.Provider
	log       *bytes.Buffer
}

// limit bounds each operation of a test on its stack, so that a failing test
// ends. A busy computer takes minutes to build a service for two processors.
const limit = 15 * time.Minute

func open(t *testing.T, c cloud) *stack {
	t.Helper()
	if testing.Short() {
		t.Skip("runs Pulumi's engine")
	}
	s := &stack{t: t, cloud: c, world: newWorld(t), clone: t.TempDir(), log: &bytes.Buffer{}}
	s.write("go.mod", "module escala\n\ngo 1.26\n")
	s.write("cloudinit/agent/cmd/escala-agent/main.go", "package main\n\nfunc main() { println(\"agent\") }\n")
	s.release("first")
	s.configure("")
	offlines := append([]*offline.Provider{clouds.Random(s.clone)}, c.extraProviders...)
	if c.record != nil {
		s.cloudProvider = c.record(s.world)
		offlines = append(offlines, s.cloudProvider)
	}
	s.providers = c.plugins
	for _, provider := range offlines {
		s.providers = append(s.providers, engine.Provider{Name: provider.Name(), Serve: func() (pulumirpc.ResourceProviderServer, error) {
			return provider, nil
		}})
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Pulumi said:\n%s", s.log)
		}
	})
	return s
}

func (s *stack) write(path, content string) {
	s.t.Helper()
	full := filepath.Join(s.clone, path)
	require.NoError(s.t, os.MkdirAll(filepath.Dir(full), 0o755))
	require.NoError(s.t, os.WriteFile(full, []byte(content), 0o644))
}

// release changes the service's source.
func (s *stack) release(name string) {
	s.t.Helper()
	s.write("service/cmd/api/main.go", fmt.Sprintf("package main\n\nfunc main() { println(%q) }\n", name))
}

// configure writes the stack's configuration: the target, a short time for the
// gate and additional lines.
func (s *stack) configure(more string) {
	s.t.Helper()
	yaml := fmt.Sprintf("config:\n  pulumi:disable-default-providers: [\"*\"]\n  escala:target: %s\n  escala:gate:\n    timeout: %s\n%s", s.cloud.stack, cmp.Or(s.cloud.gate, "20s"), more)
	s.lines = yaml
}

// engine opens the stack with the current configuration.
func (s *stack) engine() *engine.Stack {
	s.t.Helper()
	text := s.lines
	if len(s.secrets) > 0 {
		text = s.encrypted()
	}
	file, err := stackfile.Parse("stack.yaml", []byte(text))
	require.NoError(s.t, err)
	opened, err := engine.Open(engine.Options{
		Project: workspace.Project, Stack: s.cloud.stack, File: file, Root: s.clone,
		State:     filepath.Join(s.clone, "pulumi"),
		Program:   func(keys []string) pulumi.RunFunc { return program.New(s.clone, keys, targets.All) },
		Providers: s.providers, Offline: true,
	})
	require.NoError(s.t, err)
	return opened
}

func (s *stack) context() context.Context {
	ctx, cancel := context.WithTimeout(s.t.Context(), cmp.Or(s.cloud.limit, limit))
	s.t.Cleanup(cancel)
	return ctx
}

func (s *stack) up() (engine.Result, error) {
	return s.engine().Up(s.context(), s.run())
}

// run returns the settings of an operation whose display goes to the log.
func (s *stack) run() engine.Run {
	s.log.Reset()
	return engine.Run{Out: s.log}
}

// mustUp runs an update that must succeed, and returns its outputs.
func (s *stack) mustUp() map[string]any {
	s.t.Helper()
	result, err := s.up()
	require.NoError(s.t, err)
	return values(result.Outputs)
}

func (s *stack) preview() (engine.Result, error) {
	return s.engine().Preview(s.context(), s.run())
}

func (s *stack) refresh() (engine.Result, error) {
	return s.engine().Refresh(s.context(), s.run())
}

// refreshesClean checks for drift: the resources match the state, even right
// after a release.
func (s *stack) refreshesClean() {
	s.t.Helper()
	refreshed, err := s.refresh()
	require.NoError(s.t, err)
	for _, operation := range []string{"create", "update", "delete"} {
		require.NotContains(s.t, refreshed.Changes, operation, s.log.String())
	}
}

func (s *stack) destroy() error {
	_, err := s.engine().Destroy(s.context(), s.run())
	return err
}

// outputs returns the stack's stored outputs.
func (s *stack) outputs() map[string]any {
	s.t.Helper()
	all, err := s.engine().Outputs(s.t.Context())
	require.NoError(s.t, err)
	return values(all)
}

func values(outputs map[string]engine.Output) map[string]any {
	values := map[string]any{}
	for key, output := range outputs {
		values[key] = output.Value
	}
	return values
}

// inState replaces a text in the stack's state, where it must be.
func (s *stack) inState(old, replacement string) {
	s.t.Helper()
	path := filepath.Join(s.clone, "pulumi", ".pulumi", "stacks", workspace.Project, s.cloud.stack+".json")
	content, err := os.ReadFile(path)
	require.NoError(s.t, err)
	require.Contains(s.t, string(content), old)
	require.NoError(s.t, os.WriteFile(path, []byte(strings.ReplaceAll(string(content), old, replacement)), 0o600))
}

// existingOf returns the existing resources of a type.
func (s *stack) existingOf(kind string) []offline.Event {
	var found []offline.Event
	for _, e := range s.cloudProvider.Existing() {
		if e.Type == kind {
			found = append(found, e)
		}
	}
	return found
}

// refuseNext makes machines refuse the next release.
func (s *stack) refuseNext(why string) {
	known := map[string]bool{}
	for _, key := range s.world.stored() {
		known[key] = true
	}
	s.world.onPut = func(key string) {
		if id, ok := strings.CutPrefix(key, "releases/"); ok && !known[key] {
			s.world.refusing[id] = why
		}
	}
}

// forgetBuilds removes the builds, as in a clone on another computer.
func (s *stack) forgetBuilds() {
	s.t.Helper()
	require.NoError(s.t, os.RemoveAll(filepath.Join(s.clone, program.StateFolder)))
}
