package awsec2

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWhatExecRuns checks the arguments of the AWS CLI ("start-session" in its
// reference), and that the document's shell passes a command's words on unchanged.
func TestWhatExecRuns(t *testing.T) {
	t.Parallel()
	const instance = "i-0123456789abcdef0"
	for name, tt := range map[string]struct {
		profile string
		command []string
		want    []string
	}{
		"a shell":                {"", nil, []string{"ssm", "start-session", "--region", "eu-central-1", "--target", instance}},
		"a shell with a profile": {"shop", nil, []string{"ssm", "start-session", "--region", "eu-central-1", "--target", instance, "--profile", "shop"}},
		"a command": {"", []string{"systemctl", "status", "nginx"}, []string{
			"ssm", "start-session", "--region", "eu-central-1", "--target", instance,
			"--document-name", "AWS-StartInteractiveCommand", "--parameters", `{"command":["systemctl status nginx"]}`,
		}},
	} {
		got, err := startSession("eu-central-1", tt.profile, instance, tt.command)
		require.NoError(t, err, name)
		assert.Equal(t, tt.want, got, name)
	}
	for _, command := range [][]string{
		{"printf", `%s\0`, "a b", "", "it's", `"quoted"`, "$HOME", "`id`", "a;b|c&d", "*", "--", "ä\n"},
	} {
		args, err := startSession("eu-central-1", "", instance, command)
		require.NoError(t, err)
		var parameters struct{ Command []string }
		require.NoError(t, json.Unmarshal([]byte(args[len(args)-1]), &parameters))
		require.Len(t, parameters.Command, 1)
		said, err := exec.CommandContext(t.Context(), "sh", "-c", parameters.Command[0]).Output()
		require.NoError(t, err)
		assert.Equal(t, strings.Join(command[2:], "\x00")+"\x00", string(said))
	}
}
