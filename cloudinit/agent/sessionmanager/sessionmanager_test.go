package sessionmanager

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func needsGPGV(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("gpgv"); err != nil {
		t.Skip("needs gpgv, which every Debian has")
	}
}

// signer makes keys and signatures as Amazon does.
type signer struct{ entity *openpgp.Entity }

func newSigner(t *testing.T) signer {
	t.Helper()
	entity, err := openpgp.NewEntity("SSM Agent", "", "ssm-agent-signer@amazon.com", nil)
	require.NoError(t, err)
	return signer{entity}
}

func (s signer) ring(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, s.entity.Serialize(&b))
	return b.Bytes()
}

func (s signer) sign(t *testing.T, content string) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, openpgp.DetachSign(&b, s.entity, strings.NewReader(content), nil))
	return b.String()
}

// TestOnlyAmazonsPackageIsInstalled checks that a package reaches apt-get only if it
// is signed by a key of the keyring.
func TestOnlyAmazonsPackageIsInstalled(t *testing.T) {
	needsGPGV(t)
	amazon, other := newSigner(t), newSigner(t)
	const content = "a package"
	for name, c := range map[string]struct {
		files map[string]string
		// refusal is part of the error; "" if the package is installed.
		refusal string
	}{
		"signed":           {map[string]string{"/agent.deb": content, "/agent.deb.sig": amazon.sign(t, content)}, ""},
		"altered":          {map[string]string{"/agent.deb": content + "!", "/agent.deb.sig": amazon.sign(t, content)}, "BAD signature"},
		"signed by others": {map[string]string{"/agent.deb": content, "/agent.deb.sig": other.sign(t, content)}, "No public key"},
		"not signed":       {map[string]string{"/agent.deb": content}, "agent.deb.sig answers 404"},
		"no signature":     {map[string]string{"/agent.deb": content, "/agent.deb.sig": "<html>"}, "verifying that"},
		"long signature":   {map[string]string{"/agent.deb": content, "/agent.deb.sig": strings.Repeat("x", maxSignature+1)}, "more than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if file, ok := c.files[r.URL.Path]; ok {
					_, _ = w.Write([]byte(file))
					return
				}
				http.NotFound(w, r)
			}))
			defer server.Close()
			installed := ""
			folder := filepath.Join(t.TempDir(), "package")
			i := Installer{
				URL: server.URL + "/agent.deb", Folder: folder, Keyring: amazon.ring(t), Client: server.Client(),
				Apt: func(_ context.Context, path string) error {
					b, err := os.ReadFile(path)
					installed = string(b)
					info, statErr := os.Stat(filepath.Dir(path))
					require.NoError(t, statErr)
					assert.Equal(t, os.FileMode(0o700), info.Mode().Perm(), "nobody else can change the package after its verification")
					return err
				},
			}
			// An interrupted run leaves its files.
			require.NoError(t, os.MkdirAll(folder, 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(folder, "amazon-ssm-agent.deb"), []byte("older"), 0o644))
			err := i.Install(t.Context())
			if c.refusal == "" {
				require.NoError(t, err)
				assert.Equal(t, content, installed)
			} else {
				require.ErrorContains(t, err, c.refusal)
				assert.Empty(t, installed)
			}
			assert.NoDirExists(t, folder)
		})
	}
}

// TestKeyring checks that the keys are Amazon's, and that gpgv can read them.
func TestKeyring(t *testing.T) {
	needsGPGV(t)
	ring, err := Keyring()
	require.NoError(t, err)
	keys, err := openpgp.ReadKeyRing(bytes.NewReader(ring))
	require.NoError(t, err)
	var fingerprints []string
	for _, key := range keys {
		fingerprints = append(fingerprints, fmt.Sprintf("%X", key.PrimaryKey.Fingerprint))
	}
	assert.Equal(t, []string{
		"4855A9E6833216D6A77D8FE451A8E050D0052E5D",
		"1C5B395CBE5E74E2F1CA21592784DBF388D19D46",
	}, fingerprints)

	folder := t.TempDir()
	pkg, signature := filepath.Join(folder, "p"), filepath.Join(folder, "p.sig")
	require.NoError(t, os.WriteFile(pkg, []byte("x"), 0o600))
	require.NoError(t, os.WriteFile(signature, []byte(newSigner(t).sign(t, "x")), 0o600))
	err = Installer{Folder: folder, Keyring: ring}.verify(t.Context(), pkg, signature)
	require.ErrorContains(t, err, "No public key")
	assert.NotContains(t, err.Error(), "nvalid packet")
}
