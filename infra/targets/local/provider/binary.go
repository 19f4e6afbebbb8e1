package provider

import (
	"errors"
	"fmt"
	"io"
	"os"

	"escala/cloudinit/agent/store"
	"escala/service"
)

// install copies the binary with this SHA-256. The copy is verified, and appears
// complete by a rename.
func install(source, target, sha256 string) error {
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	return store.WriteFile(target, 0o644, func(w io.Writer) error {
		copied, err := service.ReadRelease(io.TeeReader(in, w))
		if err == nil && string(copied.ID) != sha256 {
			err = fmt.Errorf("%s has the SHA-256 %s, not %s", source, copied.ID, sha256)
		}
		return err
	})
}

// isBinary reports whether a file exists and is the binary with this SHA-256.
func isBinary(path, sha256 string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading a stored binary: %w", err)
	}
	defer f.Close()
	stored, err := service.ReadRelease(f)
	if err != nil {
		return false, fmt.Errorf("reading a stored binary: %w", err)
	}
	return string(stored.ID) == sha256, nil
}
