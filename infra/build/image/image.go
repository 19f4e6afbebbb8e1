// Package image makes the service's container image from its static binaries,
// without Docker, and pushes it to a registry. The same binaries give the same
// image, with the same digest, on every computer.
//
// The image depends on the Go version that compiled this program, as the
// binaries depend on the Go version that compiled them: another version may
// compress differently.
package image

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"escala/infra/build"
	"escala/service"
)

// These are labels of each image, and annotations in the index.
const (
	// Title is the OCI annotation with the image's name for people.
	Title = "org.opencontainers.image.title"
	// ReleaseLabel has the SHA-256 of the service's binary, which the service
	// answers as X-Release.
	ReleaseLabel = "escala.release"
)

// Args are the inputs of an image.
type Args struct {
	// Binaries are the paths of the service's static binaries, by platform. At
	// least one.
	Binaries map[build.Platform]string
	// Name is the service's name.
	Name string
	// Port is the port that the service listens on. It is at least 1024, since
	// the service's user is not root.
	Port int
	// Runtime is service.RuntimeEscala by default.
	Runtime service.Runtime
	// Arguments are the program's. Default "serve".
	Arguments []string
}

// Image is an image index in memory, with one image for each platform.
type Image struct {
	index    v1.ImageIndex
	digest   v1.Hash
	releases map[build.Platform]string
}

// epoch is the creation time of everything in an image. A real time would give
// the same content another digest.
var epoch = time.Unix(0, 0).UTC()

// Build makes the image. It only reads the binaries.
func Build(ctx context.Context, args Args) (*Image, error) {
	if err := args.check(); err != nil {
		return nil, fmt.Errorf("building the image: %w", err)
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	releases := make(map[build.Platform]string, len(args.Binaries))
	for _, platform := range platforms(args.Binaries) {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("building the image: %w", err)
		}
		one, release, err := args.forPlatform(platform)
		if err != nil {
			return nil, fmt.Errorf("building the image for %s: %w", platform, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: one,
			Descriptor: v1.Descriptor{
				Platform:    &v1.Platform{OS: platform.OS, Architecture: platform.Arch},
				Annotations: map[string]string{ReleaseLabel: release},
			},
		})
		releases[platform] = release
	}
	index = mutate.Annotations(index, map[string]string{Title: args.Name}).(v1.ImageIndex)
	digest, err := index.Digest()
	if err != nil {
		return nil, fmt.Errorf("building the image: %w", err)
	}
	return &Image{index: index, digest: digest, releases: releases}, nil
}

// Digest returns "sha256:" and 64 hexadecimal digits. It is the same in every
// registry.
func (i *Image) Digest() string { return i.digest.String() }

// Tag returns the image's name for people, 12 digits of Digest. Registries
// remove images without a tag.
func (i *Image) Tag() string { return i.digest.Hex[:12] }

// Releases returns the SHA-256 of the binaries, which the service answers as
// X-Release.
func (i *Image) Releases() map[build.Platform]string { return maps.Clone(i.releases) }

// Reference returns the image's name in a repository ("host/path"), by digest,
// so that it never means another image.
func (i *Image) Reference(repository string) (string, error) {
	repo, err := name.NewRepository(repository)
	if err != nil {
		return "", fmt.Errorf("%q is not a repository (host/path): %w", repository, err)
	}
	return repo.Digest(i.Digest()).Name(), nil
}

func (a Args) check() error {
	switch {
	case len(a.Binaries) == 0:
		return errors.New("there are no binaries")
	case a.Name == "":
		return errors.New("it has no name")
	case a.Port < 1024 || a.Port > 65535:
		return fmt.Errorf("port %d is not from 1024 to 65535; lower ports need root", a.Port)
	}
	return nil
}

// forPlatform returns one platform's image and the SHA-256 of its binary.
func (a Args) forPlatform(platform build.Platform) (v1.Image, string, error) {
	files, release, err := layer(a.Binaries[platform])
	if err != nil {
		return nil, "", err
	}
	labels := map[string]string{Title: a.Name, ReleaseLabel: release}
	img, err := mutate.Append(
		mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON),
		mutate.Addendum{Layer: files, History: v1.History{Created: v1.Time{Time: epoch}, CreatedBy: "escala"}})
	if err != nil {
		return nil, "", fmt.Errorf("adding its files: %w", err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, "", fmt.Errorf("reading its configuration: %w", err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = platform.OS, platform.Arch
	config.Created = v1.Time{Time: epoch}
	config.Config = a.config(labels)
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return nil, "", fmt.Errorf("setting its configuration: %w", err)
	}
	return mutate.Annotations(img, labels).(v1.Image), release, nil
}

// config returns the image's configuration. The Dockerfile has the same.
func (a Args) config(labels map[string]string) v1.Config {
	config := v1.Config{
		// Numeric ids let Kubernetes see that the user is not root.
		User:       fmt.Sprintf("%d:%d", UserID, UserID),
		Entrypoint: []string{BinaryPath},
		Cmd:        []string{"serve"},
		Env:        []string{fmt.Sprintf("PORT=%d", a.Port)},
		WorkingDir: "/",
		StopSignal: "SIGTERM",
		Labels:     labels,
		ExposedPorts: map[string]struct{}{
			fmt.Sprintf("%d/tcp", a.Port): {},
		},
		// Docker uses this check; Kubernetes uses probes instead.
		Healthcheck: &v1.HealthConfig{
			Test:        []string{"CMD", BinaryPath, "health"},
			Interval:    10 * time.Second,
			Timeout:     3 * time.Second,
			StartPeriod: 15 * time.Second,
			Retries:     3,
		},
	}
	if a.Runtime == service.RuntimeNone {
		// Only escala's runtime has the command "health".
		config.Healthcheck = nil
	}
	if a.Arguments != nil {
		config.Cmd = a.Arguments
	}
	return config
}

// platforms returns the platforms in a stable order.
func platforms(of map[build.Platform]string) []build.Platform {
	return slices.SortedFunc(maps.Keys(of), func(a, b build.Platform) int {
		return strings.Compare(a.String(), b.String())
	})
}
