package agent

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"syscall"
	"time"
)

// Disk is the machine's file system. Each method is one system call, so that a
// test can stop the agent between any two. Names are absolute. Errors are those
// of package os: fs.ErrNotExist, syscall.ENOSPC, syscall.EROFS.
type Disk interface {
	// Create makes or empties a file.
	Create(name string, mode fs.FileMode) (io.WriteCloser, error)
	Open(name string) (io.ReadCloser, error)
	// Sync flushes a file's content, or a folder's entries, to the disk.
	Sync(name string) error
	Rename(from, to string) error
	Symlink(target, name string) error
	Readlink(name string) (string, error)
	// Remove removes a file or a folder with its content. A missing file is not
	// an error.
	Remove(name string) error
	MakeFolder(name string) error
	// List returns a folder's entries.
	List(name string) ([]Entry, error)
	// Touch sets the modification time of a file or folder.
	Touch(name string, when time.Time) error
	Free(name string) (Space, error)
}

// Entry is an entry of a folder.
type Entry struct {
	Name    string
	Changed time.Time
}

// Space is the free space of a file system.
type Space struct {
	Bytes uint64
	// Files is the number of files that can still be created.
	Files    uint64
	ReadOnly bool
}

// Paths of the agent's files.
const (
	releasesFolder = "/opt/escala/releases"
	currentLink    = "/opt/escala/current"
	stateFolder    = "/var/lib/escala"
	runFolder      = "/run/escala-release"
	// StatusFile is what Nginx serves at machine.StatusPath.
	StatusFile = runFolder + "/status.json"
)

// writeFile replaces a file atomically.
func writeFile(d Disk, name string, content []byte) error {
	part := name + ".new"
	if err := fill(d, part, 0o644, writer(content)); err != nil {
		return err
	}
	if err := d.Sync(part); err != nil {
		return err
	}
	if err := d.Rename(part, name); err != nil {
		return err
	}
	return d.Sync(path.Dir(name))
}

// writer adapts content for fill.
func writer(content []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	}
}

// fill creates a file from the output of write.
func fill(d Disk, name string, mode fs.FileMode, write func(io.Writer) error) error {
	w, err := d.Create(name, mode)
	if err != nil {
		return err
	}
	return errors.Join(write(w), w.Close())
}

func readFile(d Disk, name string, limit int64) ([]byte, error) {
	r, err := d.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, limit))
}

// diskReason describes the problem of the file system of name, such as a full
// disk. It returns "" if err has another cause.
func diskReason(d Disk, name string, err error) string {
	space, spaceErr := d.Free(name)
	switch {
	case errors.Is(err, syscall.EROFS), spaceErr == nil && space.ReadOnly:
		return fmt.Sprintf("the file system of %s is read-only: look for disk errors in the kernel's log", name)
	case errors.Is(err, syscall.ENOSPC) && spaceErr == nil && space.Files == 0:
		return fmt.Sprintf("the file system of %s has no inodes left: remove files", name)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Sprintf("the disk of %s is full: free some space or take a larger disk", name)
	case errors.Is(err, syscall.EIO):
		return fmt.Sprintf("the disk of %s cannot be read or written: %v", name, err)
	}
	return ""
}
