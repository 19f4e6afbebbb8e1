package awslogin

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/operate"
)

// command puts a program that replaces AWS' command line into PATH.
func command(t *testing.T, script string) {
	t.Helper()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	bin := t.TempDir()
	if script != "" {
		require.NoError(t, os.WriteFile(filepath.Join(bin, "aws"), []byte("#!/bin/sh\n"+script), 0o755))
	}
	t.Setenv("PATH", bin+":/usr/bin:/bin")
}

// TestTheCommandsCredentials checks the format of `aws configure export-credentials
// --format process`.
func TestTheCommandsCredentials(t *testing.T) {
	asked := filepath.Join(t.TempDir(), "asked")
	command(t, `echo "$*" >>`+asked+`; echo '{"Version": 1, "AccessKeyId": "AKIA", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "2026-11-26T10:00:00Z"}'`)
	l := &Login{Profile: "work"}
	for range 2 {
		c, err := l.Retrieve(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{"AKIA", "s", "t"}, []string{c.AccessKeyID, c.SecretAccessKey, c.SessionToken})
	}
	l.Invalidate()
	_, err := l.Retrieve(t.Context())
	require.NoError(t, err)
	content, err := os.ReadFile(asked)
	require.NoError(t, err)
	const once = "configure export-credentials --format process --profile work\n"
	assert.Equal(t, once+once, string(content), "asked once until they are invalid")
}

func TestTheEnvironmentGoesBeforeTheCommand(t *testing.T) {
	command(t, "exit 1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIA")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	c, err := new(Login).Retrieve(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "AKIA", c.AccessKeyID)
	_, err = (&Login{Profile: "work"}).Retrieve(t.Context())
	require.ErrorIs(t, err, operate.ErrNoLogin, "the stack names a profile")
}

func TestNoCredentialsSayWhatToDo(t *testing.T) {
	for script, want := range map[string]string{
		"": "install AWS' command line",
		"echo 'Error when retrieving token from sso' >&2; exit 255": "Error when retrieving token from sso",
		"echo '{}'": "printed none",
	} {
		command(t, script)
		_, err := new(Login).Retrieve(t.Context())
		require.ErrorIs(t, err, operate.ErrNoLogin)
		require.ErrorContains(t, err, want)
	}
	command(t, "echo a-secret")
	_, err := new(Login).Retrieve(t.Context())
	require.ErrorContains(t, err, "printed no JSON")
	assert.NotContains(t, err.Error(), "a-secret")
}
