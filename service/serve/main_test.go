package serve

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// envMain is a variable that turns this test program into one that only calls
// Main.
const envMain = "TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(envMain) != "" {
		os.Exit(Main(http.NotFoundHandler()))
	}
	os.Exit(m.Run())
}

func program(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), envMain+"=1"), env...)
	return cmd
}

func TestMainEndsWithStatus0AfterASignal(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "serve") // the path of a socket must be short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	cmd := program(t, service.EnvListen+"=unix:"+filepath.Join(dir, "api.sock"))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	require.NoError(t, err)
	assert.Contains(t, first, "HTTP listening on socket")
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	rest, err := io.ReadAll(lines)
	require.NoError(t, err)
	require.NoError(t, cmd.Wait())
	assert.Contains(t, string(rest), `"msg":"drained"`)
}

func TestMainEndsWithStatus2ForBadSettings(t *testing.T) {
	t.Parallel()
	cmd := program(t, service.EnvPort+"=many", service.EnvStartTimeout+"=soon")
	var said strings.Builder
	cmd.Stderr = &said
	var ended *exec.ExitError
	require.ErrorAs(t, cmd.Run(), &ended)
	assert.Equal(t, ExitConfig, ended.ExitCode())
	assert.Contains(t, said.String(), `PORT: "many" is not a whole number`)
	assert.Contains(t, said.String(), `START_TIMEOUT`)
}
