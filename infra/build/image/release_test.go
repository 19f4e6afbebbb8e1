package image

import (
	"archive/tar"
	"bytes"
	"io"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/build"
)

func TestReleasesOfAPushedImage(t *testing.T) {
	s := serveRegistry(t, nil)
	img := built(t, args(t))
	reference, _, err := img.Push(t.Context(), s.repository("api"), nobody{})
	require.NoError(t, err)
	releases, err := Releases(t.Context(), reference, nobody{})
	require.NoError(t, err)
	assert.Equal(t, img.Releases(), releases)

	tagged, err := Releases(t.Context(), s.repository("api:"+img.Tag()), nobody{})
	require.NoError(t, err)
	assert.Equal(t, releases, tagged)
}

// foreign pushes an image that Build did not make. It has one file and this
// entrypoint.
func foreign(t *testing.T, reference string, header *tar.Header, content string, entrypoint ...string) {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	header.Size = int64(len(content))
	header.Mode = 0o755
	require.NoError(t, w.WriteHeader(header))
	_, err := w.Write([]byte(content))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	files, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	require.NoError(t, err)
	img, err := mutate.AppendLayers(empty.Image, files)
	require.NoError(t, err)
	img, err = mutate.ConfigFile(img, &v1.ConfigFile{OS: "linux", Architecture: "amd64", Config: v1.Config{Entrypoint: entrypoint}, RootFS: rootFS(t, img)})
	require.NoError(t, err)
	ref, err := name.ParseReference(reference)
	require.NoError(t, err)
	require.NoError(t, remote.Write(ref, img))
}

func rootFS(t *testing.T, img v1.Image) v1.RootFS {
	t.Helper()
	config, err := img.ConfigFile()
	require.NoError(t, err)
	return config.RootFS
}

func TestReleasesOfAnImageMadeOtherwise(t *testing.T) {
	s := serveRegistry(t, nil)
	file := func() *tar.Header { return &tar.Header{Name: "usr/bin/api", Typeflag: tar.TypeReg} }
	foreign(t, s.repository("web:1"), file(), "a program", "/usr/bin/api", "serve")
	releases, err := Releases(t.Context(), s.repository("web:1"), nobody{})
	require.NoError(t, err)
	assert.Equal(t, map[build.Platform]string{amd64: sha("a program")}, releases)

	foreign(t, s.repository("web:2"), file(), "a program", "/api")
	_, err = Releases(t.Context(), s.repository("web:2"), nobody{})
	require.ErrorContains(t, err, "its entrypoint /api is not in the image")
	foreign(t, s.repository("web:3"), file(), "a program", "sh", "-c", "api")
	_, err = Releases(t.Context(), s.repository("web:3"), nobody{})
	require.ErrorContains(t, err, "is not the absolute path of a program")
	foreign(t, s.repository("web:4"), &tar.Header{Name: "api", Typeflag: tar.TypeSymlink, Linkname: "/bin/x"}, "", "/api")
	_, err = Releases(t.Context(), s.repository("web:4"), nobody{})
	require.ErrorContains(t, err, "is a link")
}

func TestAnImageThatIsNotThere(t *testing.T) {
	s := serveRegistry(t, nil)
	_, err := Releases(t.Context(), s.repository("api:gone"), nobody{})
	require.ErrorContains(t, err, "has no repository api, or not this image")
	_, err = Releases(t.Context(), "UPPER case", nobody{})
	require.ErrorContains(t, err, "is not an image")

	// A chart or an attestation is an index without a platform.
	index, err := random.Index(10, 1, 1)
	require.NoError(t, err)
	ref, err := name.ParseReference(s.repository("api:strange"))
	require.NoError(t, err)
	require.NoError(t, remote.WriteIndex(ref, index))
	_, err = Releases(t.Context(), ref.Name(), nobody{})
	require.ErrorContains(t, err, "has no platform")
}
