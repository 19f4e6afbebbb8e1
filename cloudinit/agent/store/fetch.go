package store

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"escala/service"
)

// Fetch puts the release's binary at path, executable. There is a file at path
// only once it is verified and on the disk: until then it has another name in
// the same folder, which a Fetch that was killed leaves behind and the next one
// for the same path replaces. A file that is at path already is replaced.
func Fetch(ctx context.Context, s Store, release service.Release, path string) error {
	return WriteFile(path, 0o755, func(w io.Writer) error { return s.Copy(ctx, w, release) })
}

// WriteFile makes path a file of what write writes, whole or not at all: where
// write fails, path stays what it was.
func WriteFile(path string, mode os.FileMode, write func(io.Writer) error) (err error) {
	part := path + ".part"
	// What is left of a run that was killed may have another owner or mode.
	if err := os.Remove(part); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("making %s: %w", path, err)
	}
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("making %s: %w", path, err)
	}
	defer func() {
		f.Close() // a second time where all is well
		if err != nil {
			os.Remove(part)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	// The mode that was asked for, whatever the umask is.
	if err := f.Chmod(mode); err != nil {
		return fmt.Errorf("making %s: %w", path, err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("making %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("making %s: %w", path, err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("making %s: %w", path, err)
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder puts a rename in it on the disk.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("syncing %s: %w", path, err)
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil {
		return fmt.Errorf("syncing %s: %w", path, err)
	}
	return nil
}
