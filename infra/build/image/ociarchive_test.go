package image

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// WriteArchive writes the image as an OCI archive, for engines without a
// registry: `podman load`, `ctr image import`, `kind load image-archive`.
// reference ("host/path:tag") is the image's name there.
func (i *Image) WriteArchive(ctx context.Context, w io.Writer, reference string) error {
	tag, err := name.NewTag(reference)
	if err != nil {
		return fmt.Errorf("%q is not a tagged image (host/path:tag): %w", reference, err)
	}
	folder, err := os.MkdirTemp("", "escala-image-")
	if err != nil {
		return fmt.Errorf("making a folder for the image: %w", err)
	}
	defer os.RemoveAll(folder)
	laid, err := layout.Write(folder, empty.Index)
	if err != nil {
		return fmt.Errorf("laying out the image: %w", err)
	}
	if err := laid.AppendIndex(i.index, layout.WithAnnotations(map[string]string{
		// containerd reads the first annotation, all other engines the second.
		"io.containerd.image.name":          tag.Name(),
		"org.opencontainers.image.ref.name": tag.Name(),
	})); err != nil {
		return fmt.Errorf("laying out the image: %w", err)
	}
	if err := packed(ctx, w, folder); err != nil {
		return fmt.Errorf("archiving the image: %w", err)
	}
	return nil
}

// packed writes the files of folder in order, with one time and owner.
func packed(ctx context.Context, w io.Writer, folder string) error {
	out := tar.NewWriter(w)
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.IsDir() {
			return nil
		}
		relative, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := out.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg,
			Name:     filepath.ToSlash(relative),
			Mode:     0o644,
			Size:     int64(len(content)),
			ModTime:  epoch,
			Format:   tar.FormatUSTAR,
		}); err != nil {
			return err
		}
		_, err = out.Write(content)
		return err
	})
	if err != nil {
		return err
	}
	return out.Close()
}
