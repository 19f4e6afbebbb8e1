package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// pulumiVariable is the environment variable with the path of a Pulumi CLI of
// the engine's version.
const pulumiVariable = "ESCALA_PULUMI"

// cli is a Pulumi CLI that works on the stack "x" of a folder of states.
type cli struct {
	t           *testing.T
	path        string
	work, state string
	phrase      string
	// providers are the providers in this process, as PULUMI_DEBUG_PROVIDERS.
	providers string
}

func (c cli) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c.t.Context(), c.path, append(args, "--non-interactive")...)
	cmd.Dir = c.work
	cmd.Env = append(os.Environ(), "PULUMI_BACKEND_URL=file://"+c.state, "PULUMI_HOME="+filepath.Join(c.work, "home"),
		"PULUMI_SKIP_UPDATE_CHECK=true", passphraseVariable+"="+c.phrase, "PULUMI_DEBUG_PROVIDERS="+c.providers)
	return cmd
}

// run returns the output of the command.
func (c cli) run(args ...string) string {
	c.t.Helper()
	cmd := c.command(args...)
	var out, wrong bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &wrong
	require.NoError(c.t, cmd.Run(), "pulumi %s:\n%s%s", strings.Join(args, " "), &out, &wrong)
	return out.String()
}

// TestTurnsWithTheCLI checks that Pulumi's CLI and this engine can use a stack in
// turn: each reads the other's state and respects its locks.
func TestTurnsWithTheCLI(t *testing.T) {
	path := os.Getenv(pulumiVariable)
	if path == "" {
		t.Skip("needs Pulumi's CLI: make test-cli")
	}
	c := cli{t: t, path: path, work: t.TempDir(), state: t.TempDir(), phrase: localPassphrase}
	// The CLI has no language host here, so it runs no program. Refresh and
	// destroy work without one.
	require.NoError(t, os.WriteFile(filepath.Join(c.work, "Pulumi.yaml"), []byte("name: things\nruntime: go\n"), 0o600))

	t.Log("a stack that the CLI made")
	c.run("stack", "init", "x")
	w := newWorld()
	c.providers = "test:" + serve(t, w)
	s := open(t, w, c.state, "config:\n  things:token: abc\n")
	must(t, s.Up, Run{})

	t.Log("the CLI reads the state, its secrets and its history")
	assert.Contains(t, c.run("stack", "ls", "--json"), `"name": "x"`)
	var shown map[string]any
	require.NoError(t, json.Unmarshal([]byte(c.run("stack", "output", "--json", "--show-secrets", "--stack", "x")), &shown))
	assert.Equal(t, map[string]any{"made": "with 3 letters", "token": "abc", "nested": map[string]any{"a": []any{"abc", "open"}}, "count": 3.0}, shown)
	var history []struct{ Kind, Result string }
	require.NoError(t, json.Unmarshal([]byte(c.run("stack", "history", "--json", "--stack", "x")), &history))
	require.Len(t, history, 1)
	assert.Equal(t, "update", history[0].Kind)
	assert.Equal(t, "succeeded", history[0].Result)

	t.Log("the CLI writes the state, and this engine reads it")
	before := c.run("stack", "export", "--stack", "x")
	exported := filepath.Join(c.work, "state.json")
	require.NoError(t, os.WriteFile(exported, []byte(before), 0o600))
	c.run("stack", "import", "--file", exported, "--stack", "x")
	assert.Equal(t, map[string]int{"same": 4}, must(t, s.Up, Run{Refresh: true}).Changes)
	assert.Equal(t, resources(t, before), resources(t, c.run("stack", "export", "--stack", "x")))
	c.run("state", "protect", "--all", "--yes", "--stack", "x")
	_, err := s.Destroy(t.Context(), Run{})
	require.ErrorIs(t, err, ErrFailed, "protected by the CLI")
	c.run("state", "unprotect", "--all", "--yes", "--stack", "x")

	t.Log("the CLI refreshes, and finds one thing gone")
	c.run("refresh", "--yes", "--stack", "x")
	assert.Equal(t, map[string]int{"same": 4}, must(t, s.Up, Run{}).Changes)
	for id := range w.exists {
		if strings.HasPrefix(id, "thing1-") {
			w.lose(id)
		}
	}
	c.run("refresh", "--yes", "--stack", "x")
	assert.Equal(t, map[string]int{"create": 1, "same": 3}, must(t, s.Up, Run{}).Changes)

	t.Log("the CLI destroys, and this engine makes all anew")
	c.run("destroy", "--yes", "--stack", "x")
	assert.Zero(t, w.count())
	assert.Equal(t, map[string]int{"create": 4}, must(t, s.Up, Run{Refresh: true}).Changes)

	t.Log("the CLI heeds this engine's lock")
	unlock, err := s.store.lock(t.Context(), lockRequest{operation: "update"})
	require.NoError(t, err)
	out, err := c.command("destroy", "--yes", "--stack", "x").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "the stack is currently locked by 1 lock(s)")
	unlock()

	t.Log("this engine heeds the CLI's, and takes it over once that is gone")
	leave(t, s.store, Holder{PID: os.Getpid(), Username: "cli", Hostname: here(t), Since: time.Now()})
	_, err = s.Up(t.Context(), Run{})
	require.ErrorContains(t, err, "cli@"+here(t))
	c.run("cancel", "--yes", "x")
	must(t, s.Destroy, Run{})
	assert.Zero(t, w.count())

	t.Log("a stack with the CLI's own key")
	c.phrase = "people's"
	t.Setenv(passphraseVariable, c.phrase)
	c.run("stack", "init", "y")
	c.run("config", "set", "--secret", "token", secret, "--stack", "y")
	lines, err := os.ReadFile(filepath.Join(c.work, "Pulumi.y.yaml"))
	require.NoError(t, err)
	y := openStack(t, "y", newWorld(), c.state, string(lines))
	assert.Equal(t, Output{Value: secret, Secret: true}, must(t, y.Up, Run{}).Outputs["token"])
	assert.Contains(t, c.run("stack", "output", "token", "--show-secrets", "--stack", "y"), secret)

	t.Log("removed by one, it is gone for the other")
	must(t, y.Destroy, Run{})
	require.NoError(t, y.Remove(t.Context()))
	require.NoError(t, s.Remove(t.Context()))
	assert.NotContains(t, c.run("stack", "ls", "--json"), `"name"`)
}

// serve serves a world's provider on the loopback interface and returns the
// port.
func serve(t *testing.T, w *world) string {
	t.Helper()
	served, err := provider(w).Serve()
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	pulumirpc.RegisterResourceProviderServer(server, attached{served})
	t.Cleanup(server.Stop)
	go func() { _ = server.Serve(l) }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

// attached is a provider that does not end with a CLI, since the next CLI uses it
// too.
type attached struct {
	pulumirpc.ResourceProviderServer
}

func (attached) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// resources returns the resources of an exported state, without times and
// ciphertexts, which differ each time.
func resources(t *testing.T, exported string) []map[string]any {
	t.Helper()
	var state struct {
		Deployment struct{ Resources []map[string]any }
	}
	require.NoError(t, json.Unmarshal([]byte(exported), &state))
	var clean func(v any) any
	clean = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for _, key := range []string{"created", "modified", "ciphertext"} {
				delete(v, key)
			}
			for key := range v {
				v[key] = clean(v[key])
			}
		case []any:
			for i := range v {
				v[i] = clean(v[i])
			}
		}
		return v
	}
	for _, r := range state.Deployment.Resources {
		clean(r)
	}
	slices.SortFunc(state.Deployment.Resources, func(a, b map[string]any) int {
		return strings.Compare(a["urn"].(string), b["urn"].(string))
	})
	return state.Deployment.Resources
}
