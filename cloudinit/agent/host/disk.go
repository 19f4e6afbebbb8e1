// Package host gives the agent access to its machine: disk, clock, supervisord,
// workers and journal.
package host

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"escala/cloudinit/agent"
)

// Disk is the file system below a folder. On machines the folder is "/".
type Disk string

var _ agent.Disk = Disk("")

func (d Disk) path(name string) string { return filepath.Join(string(d), name) }

// Create makes or empties a file.
func (d Disk) Create(name string, mode fs.FileMode) (io.WriteCloser, error) {
	f, err := os.OpenFile(d.path(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW, mode)
	if err != nil {
		return nil, err
	}
	// Chmod sets the requested mode, because the umask changes the mode of
	// OpenFile.
	if err := f.Chmod(mode); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Open opens a regular file. Another kind of file is an error.
func (d Disk) Open(name string) (io.ReadCloser, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s is not a file", name), err, f.Close())
	}
	return f, nil
}

// Sync flushes a file's content, or a folder's entries, to the disk.
func (d Disk) Sync(name string) error {
	f, err := os.Open(d.path(name))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Rename replaces an existing file.
func (d Disk) Rename(from, to string) error { return os.Rename(d.path(from), d.path(to)) }

// Symlink makes a symbolic link.
func (d Disk) Symlink(target, name string) error { return os.Symlink(target, d.path(name)) }

// Readlink returns the target of a symbolic link.
func (d Disk) Readlink(name string) (string, error) { return os.Readlink(d.path(name)) }

// Remove removes a file or a folder with its content.
func (d Disk) Remove(name string) error { return os.RemoveAll(d.path(name)) }

// MakeFolder makes a folder and its parents.
func (d Disk) MakeFolder(name string) error { return os.MkdirAll(d.path(name), 0o755) }

// List returns a folder's entries.
func (d Disk) List(name string) ([]agent.Entry, error) {
	entries, err := os.ReadDir(d.path(name))
	if err != nil {
		return nil, err
	}
	var out []agent.Entry
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, agent.Entry{Name: e.Name(), Changed: info.ModTime()})
	}
	return out, nil
}

// Touch sets the modification time of a file or folder.
func (d Disk) Touch(name string, when time.Time) error { return os.Chtimes(d.path(name), when, when) }

// readOnly is the flag of a file system that is mounted read-only: MS_RDONLY of
// Linux, MNT_RDONLY of macOS.
const readOnly = 1

// Free returns the free space of the file system for users other than root.
func (d Disk) Free(name string) (agent.Space, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(d.path(name), &s); err != nil {
		return agent.Space{}, err
	}
	space := agent.Space{Bytes: s.Bavail * uint64(s.Bsize), Files: s.Ffree, ReadOnly: s.Flags&readOnly != 0}
	if s.Files == 0 {
		// This file system creates inodes on demand.
		space.Files = 1
	}
	return space, nil
}
