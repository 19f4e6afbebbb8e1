package operate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/store"
	"escala/service/machine"
)

// TestHostKeysAreTheMachinesOwn checks that only the keys of the machine itself reach
// ssh, and nothing else that known_hosts could mean.
func TestHostKeysAreTheMachinesOwn(t *testing.T) {
	t.Parallel()
	m := Machines{Objects: store.Folder(t.TempDir())}
	_, err := m.HostKeys(t.Context(), "42")
	require.ErrorIs(t, err, store.ErrNotFound)
	for content, want := range map[string]string{
		`{"machine": "42"}`: "has not written its SSH host keys",
		`{"machine": "43", "sshHostKeys": ["ssh-ed25519 AAAA"]}`:                                     `is of machine "43"`,
		`{"machine": "42", "sshHostKeys": ["ssh-ed25519 AAAA\n@cert-authority * ssh-ed25519 BBBB"]}`: "is not an SSH host key",
		`{"machine": "42", "sshHostKeys": ["@revoked ssh-ed25519 AAAA"]}`:                            "is not an SSH host key",
		`{"machine": "42", "sshHostKeys": ["\u001b[2J"]}`:                                            `"[2J" is not an SSH host key`,
		`{`: "unexpected end of JSON input",
	} {
		require.NoError(t, m.Objects.Put(t.Context(), store.MachineKey("42", machine.DetailsName), []byte(content)))
		_, err := m.HostKeys(t.Context(), "42")
		require.ErrorContains(t, err, want, content)
	}
	require.NoError(t, m.Objects.Put(t.Context(), store.MachineKey("42", machine.DetailsName), []byte(
		`{"machine": "42", "sshHostKeys": ["ssh-ed25519 AAAAC3Nz+/a=", "sk-ssh-ed25519@openssh.com AAAAG"]}`)))
	keys, err := m.HostKeys(t.Context(), "42")
	require.NoError(t, err)
	assert.Equal(t, []string{"ssh-ed25519 AAAAC3Nz+/a=", "sk-ssh-ed25519@openssh.com AAAAG"}, keys)

	m.Objects, m.NoObjects = nil, ErrNoLogin
	_, err = m.HostKeys(t.Context(), "42")
	require.ErrorIs(t, err, ErrNoLogin)
}
