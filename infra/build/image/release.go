package image

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"escala/infra/build"
)

// ReleaseLabel is the label (and annotation) with the SHA-256 of the service's
// binary, which the service answers as X-Release.
const ReleaseLabel = "escala.release"

// Releases returns the SHA-256 of the service's binaries in the image that
// reference names, by platform. An image that Build did not make has no such
// label; then Releases downloads the program of its entrypoint and hashes it. A
// nil keychain is Docker's.
func Releases(ctx context.Context, reference string, keychain authn.Keychain) (map[build.Platform]string, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return nil, fmt.Errorf("%q is not an image (host/path:tag or host/path@sha256:…): %w", reference, err)
	}
	options, err := remotely(ctx, ref.Context(), keychain)
	if err != nil {
		return nil, fmt.Errorf("reading image %s: %w", reference, err)
	}
	found, err := remote.Get(ref, options...)
	if err != nil {
		return nil, fmt.Errorf("reading image %s: %w", reference, explain(ref.Context(), err))
	}
	releases := make(map[build.Platform]string)
	if !found.MediaType.IsIndex() {
		one, err := found.Image()
		if err != nil {
			return nil, fmt.Errorf("reading image %s: %w", reference, err)
		}
		return releases, add(releases, reference, one)
	}
	index, err := found.ImageIndex()
	if err != nil {
		return nil, fmt.Errorf("reading image %s: %w", reference, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("reading image %s: %w", reference, err)
	}
	for _, m := range manifest.Manifests {
		if !m.MediaType.IsImage() || m.Platform == nil || m.Platform.OS == "unknown" {
			continue // an attestation beside the images
		}
		if release := m.Annotations[ReleaseLabel]; release != "" {
			releases[build.Platform{OS: m.Platform.OS, Arch: m.Platform.Architecture}] = release
			continue
		}
		one, err := index.Image(m.Digest)
		if err != nil {
			return nil, fmt.Errorf("reading image %s for %s: %w", reference, m.Platform, err)
		}
		if err := add(releases, reference, one); err != nil {
			return nil, err
		}
	}
	if len(releases) == 0 {
		return nil, fmt.Errorf("image %s has no platform", reference)
	}
	return releases, nil
}

// add reads one platform's image.
func add(to map[build.Platform]string, reference string, one v1.Image) error {
	config, err := one.ConfigFile()
	if err != nil {
		return fmt.Errorf("reading the configuration of image %s: %w", reference, err)
	}
	release := config.Config.Labels[ReleaseLabel]
	if release == "" {
		if release, err = hashed(one, config.Config); err != nil {
			return fmt.Errorf("looking for the service in image %s: %w", reference, err)
		}
	}
	to[build.Platform{OS: config.OS, Arch: config.Architecture}] = release
	return nil
}

// maxProgram is larger than any service's binary, in bytes.
const maxProgram = 1 << 30

// hashed returns the SHA-256 of the program that the image starts.
func hashed(one v1.Image, config v1.Config) (string, error) {
	command := append(append([]string{}, config.Entrypoint...), config.Cmd...)
	if len(command) == 0 || !path.IsAbs(command[0]) {
		return "", fmt.Errorf("its entrypoint %q is not the absolute path of a program", command)
	}
	files := mutate.Extract(one)
	defer files.Close()
	for r := tar.NewReader(files); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return "", fmt.Errorf("its entrypoint %s is not in the image", command[0])
		}
		if err != nil {
			return "", err
		}
		if path.Clean("/"+header.Name) != path.Clean(command[0]) {
			continue
		}
		if header.Typeflag != tar.TypeReg {
			return "", fmt.Errorf("its entrypoint %s is a link", command[0])
		}
		if header.Size > maxProgram {
			return "", fmt.Errorf("its entrypoint %s has %d bytes, which is too large", command[0], header.Size)
		}
		hash := sha256.New()
		if _, err := io.CopyN(hash, r, header.Size); err != nil {
			return "", err
		}
		return hex.EncodeToString(hash.Sum(nil)), nil
	}
}
