package store

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// WriteFile replaces the file at path with the output of write. If write fails,
// the file stays unchanged. A killed process leaves a file path.part behind,
// which the next WriteFile for the same path replaces.
func WriteFile(path string, mode os.FileMode, write func(io.Writer) error) (err error) {
	part := path + ".part"
	// A file of a killed run may have another owner or mode.
	if err := os.Remove(part); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("making %s: %w", path, err)
	}
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("making %s: %w", path, err)
	}
	defer func() {
		f.Close() // closes a second time on success, which has no effect
		if err != nil {
			os.Remove(part)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	// Chmod sets the requested mode, because the umask changes the mode of
	// OpenFile.
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

// syncFolder flushes a folder's entries, such as a rename, to the disk.
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
