package acceptance

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// account is the token of a DigitalOcean account.
const account = "dop_v1_account-of-these-tests"

// TestMain sets the process-wide environment, which parallel tests cannot set:
// a passphrase for all stacks, an account, and the clouds' programs.
func TestMain(m *testing.M) {
	status, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func run(m *testing.M) (int, error) {
	programs, err := os.MkdirTemp("", "acceptance-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(programs)
	for _, name := range []string{"aws", "doctl"} {
		if err := os.WriteFile(filepath.Join(programs, name), []byte(tokenProgram), 0o755); err != nil {
			return 0, err
		}
	}
	err = errors.Join(
		os.Setenv("PATH", programs+string(os.PathListSeparator)+os.Getenv("PATH")),
		os.Setenv("PULUMI_CONFIG_PASSPHRASE", "acceptance"),
		os.Setenv("DIGITALOCEAN_TOKEN", account),
		os.Setenv("SPACES_ACCESS_KEY_ID", "DO00-of-these-tests"),
		os.Setenv("SPACES_SECRET_ACCESS_KEY", "a-key-of-these-tests"),
	)
	if err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// tokenProgram replaces the AWS CLI and doctl, which print a token for a
// kubeconfig. Its token contains the caller and the purpose.
const tokenProgram = `#!/bin/sh
set -eu
printf '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"%s"}}\n' "$(basename "$0") $*"
`
