package host

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent"
)

func TestDetailsHaveTheSSHHostKeys(t *testing.T) {
	t.Parallel()
	root := Root(t.TempDir())
	d := &Details{Root: root, Config: agent.Config{Name: "api"}, Supervisor: slots{}}
	assert.Empty(t, d.Now(t.Context()).SSHHostKeys, "there is no SSH server")

	require.NoError(t, os.MkdirAll(root.path("/etc/ssh"), 0o755))
	for name, content := range map[string]string{
		"ssh_host_ecdsa_key.pub":   "ecdsa-sha2-nistp256 AAAAE2Vj root@debian\n",
		"ssh_host_ed25519_key.pub": "ssh-ed25519 AAAAC3Nz root@debian\n",
		"ssh_host_ed25519_key":     "-----BEGIN OPENSSH PRIVATE KEY-----\n",
		"ssh_host_rsa_key.pub":     "",
		"ssh_config":               "Host *\n",
	} {
		require.NoError(t, os.WriteFile(root.path("/etc/ssh/"+name), []byte(content), 0o600))
	}
	assert.Equal(t, []string{"ecdsa-sha2-nistp256 AAAAE2Vj", "ssh-ed25519 AAAAC3Nz"}, d.Now(t.Context()).SSHHostKeys)
}
