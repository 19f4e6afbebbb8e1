package secrets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// maxFile is more than a Droplet's user-data, which brings the file, can hold.
const maxFile = 64 << 10

// File is a file that came with the machine: a JSON object of the values by their
// names, which only root can read.
type File struct {
	Path string
	// Names are the secrets that must be there. Others are not read.
	Names []string
}

var _ Source = File{}

// Read returns the values of the file. A file that another account can read is
// an error: what it holds is no secret any more.
func (f File) Read(context.Context) (Values, error) {
	file, err := os.OpenFile(f.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fileError(f.Path, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fileError(f.Path, err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("reading the secrets: %s has the mode %s: want a file with -rw-------", f.Path, info.Mode())
	}
	b, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fileError(f.Path, err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("reading the secrets: %s has more than %d bytes", f.Path, maxFile)
	}
	var all map[string]string
	if json.Unmarshal(b, &all) != nil {
		// The error of the decoder could have a part of a secret in it.
		return nil, fmt.Errorf("reading the secrets: %s is no JSON object of strings", f.Path)
	}
	values := Values{}
	for _, name := range f.Names {
		value, there := all[name]
		if !there {
			return nil, fmt.Errorf("reading the secrets: %s in %s: %w", name, f.Path, ErrMissing)
		}
		values[name] = value
	}
	return values, values.check()
}

func fileError(path string, err error) error {
	kind := ErrUnreachable
	switch {
	case errors.Is(err, fs.ErrNotExist):
		kind = ErrMissing
	case errors.Is(err, fs.ErrPermission):
		kind = ErrDenied
	}
	return fmt.Errorf("reading the secrets: %s: %w: %w", path, kind, err)
}
