package cloudinit

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// asRoot fails a test that needs root if it runs as another user. -short skips
// it.
func asRoot(t *testing.T, why string) {
	t.Helper()
	if testing.Short() {
		t.Skip(why + "; -short leaves that out")
	}
	require.Zero(t, os.Getuid(), "%s; run this test as root", why)
}

// tool fails a test if a Debian package is missing, because a skipped test
// could hide a failure. -short skips the test.
func tool(t testing.TB, program, pkg string) {
	t.Helper()
	_, err := exec.LookPath(program)
	if err != nil && testing.Short() {
		t.Skipf("needs %s; -short leaves that out", program)
	}
	require.NoError(t, err, "apt-get install %s", pkg)
}
