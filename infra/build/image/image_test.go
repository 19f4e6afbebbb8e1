package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/build"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	amd64 = build.Platform{OS: "linux", Arch: "amd64"}
	arm64 = build.Platform{OS: "linux", Arch: "arm64"}
)

// binary writes a file in place of a binary, in a new folder.
func binary(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "api")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// args returns arguments with two binaries. Each call writes new files with the
// same content.
func args(t *testing.T) Args {
	t.Helper()
	return Args{
		Binaries: map[build.Platform]string{amd64: binary(t, "for amd64"), arm64: binary(t, "for arm64")},
		Name:     "api",
		Port:     3000,
	}
}

func built(t *testing.T, a Args) *Image {
	t.Helper()
	img, err := Build(t.Context(), a)
	require.NoError(t, err)
	return img
}

func sha(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// images returns the images of the index by platform.
func images(t *testing.T, index v1.ImageIndex) map[string]v1.Image {
	t.Helper()
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	found := map[string]v1.Image{}
	for _, m := range manifest.Manifests {
		one, err := index.Image(m.Digest)
		require.NoError(t, err)
		found[m.Platform.String()] = one
	}
	return found
}

func TestTheSameBinariesAreTheSameImage(t *testing.T) {
	first := built(t, args(t))
	time.Sleep(1100 * time.Millisecond) // a tar header has a resolution of one second
	assert.Equal(t, first.Digest(), built(t, args(t)).Digest(), "from other files, later")
	assert.Regexp(t, `^sha256:[0-9a-f]{64}$`, first.Digest())

	for what, change := range map[string]func(*Args){
		"a binary":   func(a *Args) { a.Binaries[arm64] = binary(t, "for arm64.") },
		"the port":   func(a *Args) { a.Port = 3001 },
		"the name":   func(a *Args) { a.Name = "web" },
		"a platform": func(a *Args) { delete(a.Binaries, arm64) },
	} {
		a := args(t)
		change(&a)
		assert.NotEqual(t, first.Digest(), built(t, a).Digest(), what)
	}
}

func TestTheIndexHasBothPlatformsAndTheirReleases(t *testing.T) {
	img := built(t, args(t))
	want := map[build.Platform]string{amd64: sha("for amd64"), arm64: sha("for arm64")}
	assert.Equal(t, want, img.Releases())
	manifest, err := img.index.IndexManifest()
	require.NoError(t, err)
	assert.Equal(t, "api", manifest.Annotations[Title])
	require.Len(t, manifest.Manifests, 2)
	for i, platform := range []build.Platform{amd64, arm64} {
		assert.Equal(t, platform.String(), manifest.Manifests[i].Platform.String())
		assert.Equal(t, want[platform], manifest.Manifests[i].Annotations[ReleaseLabel])
		one, err := img.index.Image(manifest.Manifests[i].Digest)
		require.NoError(t, err)
		m, err := one.Manifest()
		require.NoError(t, err)
		assert.Equal(t, want[platform], m.Annotations[ReleaseLabel])
	}
	reference, err := img.Reference("registry.example.com/team/api")
	require.NoError(t, err)
	assert.Equal(t, "registry.example.com/team/api@"+img.Digest(), reference)
	_, err = img.Reference("not a repository")
	require.ErrorContains(t, err, "not a repository")
}

// TestConfig checks the configuration for container engines and, by the
// diff_ids, every byte of the files.
func TestConfig(t *testing.T) {
	a := args(t)
	raw, err := images(t, built(t, a).index)["linux/arm64"].RawConfigFile()
	require.NoError(t, err)
	var pretty bytes.Buffer
	require.NoError(t, json.Indent(&pretty, raw, "", "  "))
	pretty.WriteByte('\n')
	golden := filepath.Join("testdata", "config.json")
	if *update {
		require.NoError(t, os.WriteFile(golden, pretty.Bytes(), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), pretty.String(), "if that is meant (also by a new version of the authorities' module): go test ./infra/build/image -update")
}

func TestFiles(t *testing.T) {
	files := mutate.Extract(images(t, built(t, args(t)).index)["linux/amd64"])
	defer files.Close()
	content := map[string]string{}
	modes := map[string]int64{}
	for r := tar.NewReader(files); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		assert.True(t, h.ModTime.Equal(epoch), h.Name)
		assert.Zero(t, h.Uid+h.Gid, h.Name)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		content[h.Name], modes[h.Name] = string(b), h.Mode
	}
	assert.Equal(t, map[string]int64{
		"api": 0o555, "etc": 0o755, "etc/group": 0o444, "etc/passwd": 0o444, "etc/ssl": 0o755,
		"etc/ssl/certs": 0o755, "etc/ssl/certs/ca-certificates.crt": 0o444, "tmp": 0o1777,
	}, modes)
	assert.Equal(t, "for amd64", content["api"])
	assert.Contains(t, content["etc/passwd"], "api:x:65532:65532:")

	// The file must contain the well-known authorities, and none that Mozilla
	// trusts only under a condition.
	names := map[string]bool{}
	for rest := []byte(content["etc/ssl/certs/ca-certificates.crt"]); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			require.Empty(t, rest)
			break
		}
		authority, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		assert.True(t, authority.IsCA)
		names[authority.Subject.CommonName] = true
	}
	assert.Greater(t, len(names), 80)
	assert.True(t, names["Amazon Root CA 1"])
	assert.True(t, names["ISRG Root X1"])
	assert.False(t, names["Izenpe.com"])
}

func TestBuildSaysWhatIsWrong(t *testing.T) {
	for want, change := range map[string]func(*Args){
		"there are no binaries":                 func(a *Args) { a.Binaries = nil },
		"it has no name":                        func(a *Args) { a.Name = "" },
		"port 80 is not from 1024 to 65535":     func(a *Args) { a.Port = 80 },
		"linux/arm64: reading the binary: open": func(a *Args) { a.Binaries[arm64] = "/nowhere/api" },
	} {
		a := args(t)
		change(&a)
		_, err := Build(t.Context(), a)
		require.ErrorContains(t, err, want)
	}
}
