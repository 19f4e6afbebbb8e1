package proctree

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTreeIsAllThatDescends checks the measurement of a shell whose child has a
// child.
func TestTreeIsAllThatDescends(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "sh -c 'sleep 60 & echo $$ $!; wait' & wait")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	var below []int
	for _, field := range strings.Fields(line) {
		pid, err := strconv.Atoi(field)
		require.NoError(t, err)
		below = append(below, pid)
	}
	t.Cleanup(func() {
		for _, pid := range below {
			p, err := os.FindProcess(pid)
			assert.NoError(t, err)
			_ = p.Kill()
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})

	children, err := Children(cmd.Process.Pid)
	require.NoError(t, err)
	assert.Equal(t, below[:1], children)
	found, err := tree([]int{cmd.Process.Pid, below[0]})
	require.NoError(t, err)
	var pids []int
	for _, p := range found {
		pids = append(pids, p.PID)
	}
	assert.ElementsMatch(t, []int{cmd.Process.Pid, below[0], below[1]}, pids, "each once")

	leaf, err := PSS(below[1])
	require.NoError(t, err)
	all, err := PSS(cmd.Process.Pid)
	require.NoError(t, err)
	assert.Greater(t, all, leaf)
}

func TestProcessesThatAreGoneAreAnError(t *testing.T) {
	t.Parallel()
	_, err := CPU(1 << 30)
	require.ErrorIs(t, err, errGone)
	_, err = PSS(1 << 30)
	require.ErrorIs(t, err, errGone)
}
