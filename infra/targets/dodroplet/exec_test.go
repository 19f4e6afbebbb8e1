package dodroplet

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/operate"
)

// TestWhatExecRuns checks ssh's arguments (ssh(1)), and that the machine's shell
// passes a command's words on unchanged.
func TestWhatExecRuns(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		request operate.ExecRequest
		want    []string
	}{
		"a shell":                 {operate.ExecRequest{Terminal: true}, []string{"-t", "root@203.0.113.7"}},
		"a shell without one":     {operate.ExecRequest{}, []string{"root@203.0.113.7"}},
		"a command":               {operate.ExecRequest{Command: []string{"systemctl", "status", "nginx"}}, []string{"root@203.0.113.7", "--", "systemctl status nginx"}},
		"a command with a screen": {operate.ExecRequest{Terminal: true, Command: []string{"top"}}, []string{"-t", "root@203.0.113.7", "--", "top"}},
		"what looks like options": {operate.ExecRequest{Command: []string{"-oProxyCommand=id"}}, []string{"root@203.0.113.7", "--", "-oProxyCommand=id"}},
	} {
		assert.Equal(t, tt.want, sshArguments("203.0.113.7", nil, tt.request), name)
	}
	words := []string{"a b", "", "it's", `"quoted"`, "$HOME", "`id`", "a;b|c&d", "*", "--", "ä\n"}
	args := sshArguments("203.0.113.7", nil, operate.ExecRequest{Command: append([]string{"printf", `%s\0`}, words...)})
	said, err := exec.CommandContext(t.Context(), "sh", "-c", args[len(args)-1]).Output()
	require.NoError(t, err)
	assert.Equal(t, strings.Join(words, "\x00")+"\x00", string(said))
}
