package acceptance

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"escala/infra/engine"
	"escala/infra/engine/offline"
	"escala/infra/engine/offline/clouds"
	"escala/infra/program"
	"escala/infra/targets"
	"escala/infra/workspace"
)

// stack is a cloud stack under the real engine, in a clone of its own whose
// service is one line.
type stack struct {
	t     *testing.T
	cloud cloud
	world *world
	// asked is the cloud's provider.
	asked *offline.Provider
	auto  auto.Stack
	clone string
	log   *bytes.Buffer
}

// limit bounds each thing that a test does to its stack: when a red test gives up.
// A busy computer takes minutes to build a service for two processors.
const limit = 15 * time.Minute

func open(t *testing.T, c cloud) *stack {
	t.Helper()
	if testing.Short() {
		t.Skip("runs Pulumi's engine")
	}
	root, err := workspace.Root()
	require.NoError(t, err)
	cli, err := engine.FindCLI(t.Context(), root)
	require.NoError(t, err, "these tests need the Pulumi CLI")

	s := &stack{t: t, cloud: c, world: newWorld(t), clone: t.TempDir(), log: &bytes.Buffer{}}
	s.write("go.mod", "module escala\n\ngo 1.26\n")
	s.release("first")
	s.configure("")
	s.asked = c.record(s.world)

	attached := &engine.Attached{}
	t.Cleanup(attached.Close)
	for _, provider := range append([]*offline.Provider{s.asked, clouds.Random()}, c.beside...) {
		require.NoError(t, attached.Attach(t.Context(), provider.Name(), provider))
	}
	s.auto, err = engine.Open(t.Context(), engine.Options{
		Project:   "escala",
		Stack:     c.stack,
		StackFile: filepath.Join(s.clone, "stack.yaml"),
		State:     filepath.Join(s.clone, "pulumi"),
		Pulumi:    cli,
		// The keys are read anew by configure.
		Program:   func(keys []string) pulumi.RunFunc { return program.New(s.clone, keys, targets.All) },
		Providers: attached,
	})
	require.NoError(t, err)
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

// configure writes the stack's configuration: the target, the shortest of gates
// and more lines.
func (s *stack) configure(more string) {
	s.t.Helper()
	yaml := fmt.Sprintf("config:\n  pulumi:disable-default-providers: [\"*\"]\n  escala:target: %s\n  escala:gate:\n    timeout: 20s\n%s", s.cloud.stack, more)
	s.write("stack.yaml", yaml)
	if s.auto.Name() == "" {
		return
	}
	// What engine.Open does when a stack is opened.
	work := s.auto.Workspace().WorkDir()
	require.NoError(s.t, os.WriteFile(filepath.Join(work, "Pulumi."+s.cloud.stack+".yaml"), []byte(yaml+s.salt(work)), 0o600))
	s.reread()
}

// salt is the line that Pulumi wrote into the stack's configuration.
func (s *stack) salt(work string) string {
	b, err := os.ReadFile(filepath.Join(work, "Pulumi."+s.cloud.stack+".yaml"))
	require.NoError(s.t, err)
	for _, line := range bytes.Split(b, []byte("\n")) {
		if bytes.HasPrefix(line, []byte("encryptionsalt:")) {
			return string(line) + "\n"
		}
	}
	return ""
}

func (s *stack) context() context.Context {
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	s.t.Cleanup(cancel)
	return ctx
}

func (s *stack) up() (auto.UpResult, error) {
	s.log.Reset()
	return s.auto.Up(s.context(), optup.ProgressStreams(s.log), optup.ErrorProgressStreams(s.log))
}

// mustUp is an update that succeeds, and its outputs.
func (s *stack) mustUp() map[string]any {
	s.t.Helper()
	result, err := s.up()
	require.NoError(s.t, err)
	outputs := map[string]any{}
	for key, o := range result.Outputs {
		outputs[key] = o.Value
	}
	return outputs
}

func (s *stack) preview() (auto.PreviewResult, error) {
	s.log.Reset()
	return s.auto.Preview(s.context(), optpreview.ProgressStreams(s.log), optpreview.ErrorProgressStreams(s.log))
}

func (s *stack) refresh() (auto.RefreshResult, error) {
	s.log.Reset()
	return s.auto.Refresh(s.context(), optrefresh.ProgressStreams(s.log), optrefresh.ErrorProgressStreams(s.log))
}

func (s *stack) destroy() error {
	s.log.Reset()
	_, err := s.auto.Destroy(s.context(), optdestroy.ProgressStreams(s.log), optdestroy.ErrorProgressStreams(s.log))
	return err
}

// outputs are the stack's as they are kept.
func (s *stack) outputs() map[string]any {
	s.t.Helper()
	all, err := s.auto.Outputs(s.t.Context())
	require.NoError(s.t, err)
	values := map[string]any{}
	for key, o := range all {
		values[key] = o.Value
	}
	return values
}

// there are the resources of a type that exist.
func (s *stack) there(kind string) []offline.Event {
	var found []offline.Event
	for _, e := range s.asked.There() {
		if e.Type == kind {
			found = append(found, e)
		}
	}
	return found
}

// refuseNext has machines go back from whichever release they get next.
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

// forgetBuilds is another computer's view of the clone.
func (s *stack) forgetBuilds() {
	s.t.Helper()
	require.NoError(s.t, os.RemoveAll(filepath.Join(s.clone, program.StateFolder)))
}
