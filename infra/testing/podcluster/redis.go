//go:build linux

package podcluster

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// pushRedis makes an image of this computer's Redis and pushes it. The cluster
// reaches only its own registry, which is empty at first.
func pushRedis(ctx context.Context, registry string) (string, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return "", fmt.Errorf("redis-server is missing (package redis-server): %w", err)
	}
	files, err := linked(program)
	if err != nil {
		return "", fmt.Errorf("making an image of %s: %w", program, err)
	}
	const inside = "/usr/bin/redis-server"
	files[inside] = program
	content, err := archive(files)
	if err != nil {
		return "", fmt.Errorf("making an image of %s: %w", program, err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
	if err != nil {
		return "", fmt.Errorf("making an image of %s: %w", program, err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return "", fmt.Errorf("making an image of %s: %w", program, err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return "", fmt.Errorf("making an image of %s: %w", program, err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Config = v1.Config{Entrypoint: []string{inside}, WorkingDir: "/data", User: "999:1000"}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return "", fmt.Errorf("making an image of %s: %w", program, err)
	}
	reference, err := name.ParseReference(registry + "/redis:played")
	if err != nil {
		return "", err
	}
	if err := remote.Write(reference, img, remote.WithContext(ctx)); err != nil {
		return "", fmt.Errorf("pushing the image of %s: %w", program, err)
	}
	digest, err := img.Digest()
	if err != nil {
		return "", err
	}
	return reference.Context().Digest(digest.String()).Name(), nil
}

// archive returns an archive with files of this computer by their paths in it.
func archive(files map[string]string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "data/", Typeflag: tar.TypeDir, Mode: 0o755}); err != nil {
		return nil, err
	}
	for inside, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if err := w.WriteHeader(&tar.Header{Name: strings.TrimPrefix(inside, "/"), Size: int64(len(content)), Mode: 0o755}); err != nil {
			return nil, err
		}
		if _, err := w.Write(content); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}

// linked returns the loader and the shared libraries of a program, by their paths.
func linked(program string) (map[string]string, error) {
	folders := []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"}
	all := map[string]string{}
	var add func(path string) error
	add = func(path string) error {
		file, err := elf.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		for _, segment := range file.Progs {
			if segment.Type == elf.PT_INTERP {
				loader, err := io.ReadAll(segment.Open())
				if err != nil {
					return err
				}
				at := strings.TrimRight(string(loader), "\x00")
				all[at] = at
			}
		}
		libraries, err := file.ImportedLibraries()
		if err != nil {
			return err
		}
		for _, library := range libraries {
			found := false
			for _, folder := range folders {
				at := filepath.Join(folder, library)
				if _, err := os.Stat(at); err != nil {
					continue
				}
				found = true
				if all[at] == "" {
					all[at] = at
					if err := add(at); err != nil {
						return err
					}
				}
				break
			}
			if !found {
				return errors.New("library " + library + " is missing")
			}
		}
		return nil
	}
	return all, add(program)
}
