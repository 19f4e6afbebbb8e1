package engine

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/pkg/v3/secrets/passphrase"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/stackfile"
)

const secret = "correct horse battery staple"

// encrypted returns a stack file whose token is encrypted with a passphrase.
func encrypted(t *testing.T, phrase string) string {
	t.Helper()
	salt, manager, err := passphrase.NewPassphraseSecretsManager(phrase)
	require.NoError(t, err)
	text, err := manager.Encrypter().EncryptValue(t.Context(), secret)
	require.NoError(t, err)
	return "encryptionsalt: " + salt + "\nconfig:\n  things:token:\n    secure: " + text + "\n"
}

// forgetKeys makes the next operation derive its keys again, like another process.
func forgetKeys() {
	opened.Lock()
	defer opened.Unlock()
	opened.keys = nil
}

func TestSecretsOfAState(t *testing.T) {
	state := t.TempDir()
	lines := "config:\n  things:token: " + secret + "\n"
	t.Setenv(passphraseVariable, "of another project")
	s := open(t, newWorld(), state, lines)
	must(t, s.Up, Run{})
	assert.NotContains(t, stateText(t, state), secret)
	assert.Contains(t, stateText(t, state), `"ciphertext":"v1:`)

	t.Log("whatever the environment says")
	for _, phrase := range []string{"", "of a third project"} {
		forgetKeys()
		t.Setenv(passphraseVariable, phrase)
		assert.Equal(t, 4, must(t, open(t, newWorld(), state, lines).Up, Run{}).Changes["same"], phrase)
	}
}

func TestSecretsOfAStackFile(t *testing.T) {
	state, lines := t.TempDir(), encrypted(t, "people's")
	_, err := open(t, newWorld(), state, lines).Up(t.Context(), Run{})
	require.ErrorContains(t, err, "Pulumi.x.yaml: opening the encrypted values: no known passphrase opens it; set PULUMI_CONFIG_PASSPHRASE")

	t.Setenv(passphraseVariable, "people's")
	result := must(t, open(t, newWorld(), state, lines).Up, Run{})
	assert.Equal(t, Output{Value: secret, Secret: true}, result.Outputs["token"])
	assert.NotContains(t, stateText(t, state), secret)
	_, salt, _ := strings.Cut(lines, "encryptionsalt: ")
	salt, _, _ = strings.Cut(salt, "\n")
	assert.Contains(t, stateText(t, state), salt, "the state has the same key")
}

func TestStateOfAnUnknownPassphrase(t *testing.T) {
	t.Parallel()
	state, lines := t.TempDir(), "config:\n  things:token: abc\n"
	s := open(t, newWorld(), state, lines)
	_, manager, err := passphrase.NewPassphraseSecretsManager("unknown")
	require.NoError(t, err)
	s.secrets.local = manager
	must(t, s.Up, Run{})
	_, err = open(t, newWorld(), state, lines).Outputs(t.Context())
	require.ErrorContains(t, err, "set PULUMI_CONFIG_PASSPHRASE to the passphrase with which the stack was last updated")
}

// TestStatesOfEarlierVersions checks that states are read with the passphrase of the
// environment at that time. The next update encrypts them again.
func TestStatesOfEarlierVersions(t *testing.T) {
	for _, phrase := range []string{"", "of the shell"} {
		state, lines := t.TempDir(), "config:\n  things:token: "+secret+"\n"
		s := open(t, newWorld(), state, lines)
		_, manager, err := passphrase.NewPassphraseSecretsManager(phrase)
		require.NoError(t, err)
		s.secrets.local = manager
		must(t, s.Up, Run{})
		before := string(manager.State())

		forgetKeys()
		t.Setenv(passphraseVariable, phrase)
		s = open(t, newWorld(), state, lines)
		assert.Equal(t, 4, must(t, s.Up, Run{}).Changes["same"])
		assert.NotContains(t, stateText(t, state), before)
		forgetKeys()
		t.Setenv(passphraseVariable, "another")
		outputs, err := open(t, newWorld(), state, lines).Outputs(t.Context())
		require.NoError(t, err)
		assert.Equal(t, Output{Value: secret, Secret: true}, outputs["token"])
	}
}

// TestLocalKey checks that package passphrase, and so a CLI, can open the key.
func TestLocalKey(t *testing.T) {
	t.Parallel()
	manager, err := passphrase.GetPassphraseSecretsManager(localPassphrase, localSalt)
	require.NoError(t, err)
	assert.JSONEq(t, string(manager.State()), string(localKey{}.State()))
	text, err := localKey{}.EncryptValue(t.Context(), secret)
	require.NoError(t, err)
	clear, err := manager.Decrypter().DecryptValue(t.Context(), text)
	require.NoError(t, err)
	assert.Equal(t, secret, clear)
}

func TestOtherEncryption(t *testing.T) {
	t.Parallel()
	_, err := open(t, newWorld(), "", "secretsprovider: awskms://alias/x\nencryptedkey: x\nconfig:\n  things:token: {secure: v1:x}\n").Preview(t.Context(), Run{})
	require.ErrorContains(t, err, "secretsprovider awskms://alias/x is not supported here; use pulumi up")
	_, err = open(t, newWorld(), "", "config:\n  things:token: {secure: v1:x}\n").Preview(t.Context(), Run{})
	require.ErrorContains(t, err, "has encrypted values, but no encryptionsalt")
}

func TestPlainSecrets(t *testing.T) {
	t.Parallel()
	file, err := stackfile.Parse("x", []byte("config:\n  things:token: {secure: placeholder}\n"))
	require.NoError(t, err)
	s := open(t, newWorld(), "", "config: {}\n")
	s.options.File, s.options.PlainSecrets = file, true
	s, err = Open(s.options)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"create": 4}, must(t, s.Preview, Run{}).Changes)
}
