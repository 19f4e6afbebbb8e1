package acceptance

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTimeZonesAreInTheBinary checks that the log's times are in the configured
// zone when the binary runs without any other file, as in the image.
func TestTimeZonesAreInTheBinary(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can change the root folder of a process")
	}
	dir := socketDir(t)
	args, env := dockerBuild(t)
	build := exec.Command("go", slices.Insert(args, len(args)-1, "-o", filepath.Join(dir, "api"))...)
	build.Dir, build.Env = root, append(os.Environ(), env...)
	built, err := build.CombinedOutput()
	require.NoError(t, err, "%s", built)
	cmd := exec.Command("/api", "serve")
	cmd.Env = []string{"TZ=Asia/Kathmandu", "PORT=0"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir}
	cmd.Dir = "/"
	out, err := cmd.CombinedOutput()
	require.Error(t, err, "without /proc it cannot know its release")
	assert.Contains(t, string(out), "+05:45", "%s", out)
}
