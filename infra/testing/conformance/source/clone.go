// Package source makes good and bad releases as a user would: by changing the
// sources in a copy of the clone.
package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Clone is a copy of the sources that a check may change.
type Clone struct {
	// Root is the copy's top folder.
	Root string
}

// copied lists everything that is needed to build and deploy the service.
var copied = []string{"go.mod", "go.sum", "service", "cloudinit/agent", "infra/targets/local/forwarder"}

// NewClone copies the clone at source to root. It shares the machines' images,
// which take a minute to build.
func NewClone(source, root string) (Clone, error) {
	for _, path := range copied {
		if err := copyTree(filepath.Join(source, path), filepath.Join(root, path)); err != nil {
			return Clone{}, fmt.Errorf("copying %s: %w", path, err)
		}
	}
	images := filepath.Join(source, ".escala", "images")
	if err := errors.Join(os.MkdirAll(images, 0o755), os.MkdirAll(filepath.Join(root, ".escala"), 0o755)); err != nil {
		return Clone{}, fmt.Errorf("sharing the machines' images: %w", err)
	}
	if err := os.Symlink(images, filepath.Join(root, ".escala", "images")); err != nil {
		return Clone{}, fmt.Errorf("sharing the machines' images: %w", err)
	}
	return Clone{Root: root}, nil
}

func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		case !entry.Type().IsRegular() || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o644)
	})
}

// variantFile is compiled into the service beside its main function.
const variantFile = "service/cmd/api/variant.go"

// Change makes another version of the service. body runs before main.
func (c Clone) Change(imports []string, body string) error {
	var b strings.Builder
	b.WriteString("package main\n\n")
	for _, i := range imports {
		fmt.Fprintf(&b, "import %q\n", i)
	}
	fmt.Fprintf(&b, "\nfunc init() {\n%s\n}\n", body)
	if err := os.WriteFile(filepath.Join(c.Root, variantFile), []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("changing the service: %w", err)
	}
	return nil
}

// Good makes another release that works.
func (c Clone) Good(name string) error {
	return c.Change([]string{"os"}, fmt.Sprintf("\tos.Setenv(\"VARIANT\", %q)", name))
}
