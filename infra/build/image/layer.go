package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"escala/service"
)

const (
	// BinaryPath is the path of the service's binary in the image.
	BinaryPath = "/api"
	// UserID is the id of the service's default user and of its group.
	UserID = 65532
)

// layer returns the layer with all files of the image, and the SHA-256 of the
// binary at path.
func layer(path string) (v1.Layer, string, error) {
	binary, err := os.ReadFile(path)
	if err != nil {
		return nil, "", fmt.Errorf("reading the binary: %w", err)
	}
	release := string(service.ReleaseOf(binary).ID)
	packed, err := layers.get(release, func() (v1.Layer, error) { return compress(binary) })
	if err != nil {
		return nil, "", err
	}
	return packed, release, nil
}

// compress returns the compressed layer.
func compress(binary []byte) (v1.Layer, error) {
	files, err := archive(binary)
	if err != nil {
		return nil, fmt.Errorf("packing its files: %w", err)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files)), nil }
	packed, err := tarball.LayerFromOpener(open,
		tarball.WithMediaType(types.OCILayer),
		tarball.WithCompressionLevel(gzip.BestCompression),
		tarball.WithCompressedCaching)
	if err != nil {
		return nil, fmt.Errorf("compressing its files: %w", err)
	}
	return packed, nil
}

// archive packs the image's files: sorted, owned by root, and with one time.
// Only /tmp is writable, and only where the root file system is not read-only;
// the service itself writes nothing.
func archive(binary []byte) ([]byte, error) {
	type file struct {
		name    string
		mode    int64
		content []byte // nil for a folder
	}
	files := []file{
		{name: "api", mode: 0o555, content: binary},
		{name: "etc/", mode: 0o755},
		{name: "etc/group", mode: 0o444, content: []byte(groupsFile)},
		{name: "etc/passwd", mode: 0o444, content: []byte(usersFile)},
		{name: "etc/ssl/", mode: 0o755},
		{name: "etc/ssl/certs/", mode: 0o755},
		{name: "etc/ssl/certs/ca-certificates.crt", mode: 0o444, content: certificates()},
		{name: "tmp/", mode: 0o1777},
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		header := &tar.Header{
			Name:    f.name,
			Mode:    f.mode,
			Size:    int64(len(f.content)),
			ModTime: epoch,
			Format:  tar.FormatUSTAR,
		}
		header.Typeflag = tar.TypeReg
		if f.content == nil {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
