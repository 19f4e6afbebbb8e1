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

// maxFile is more than a Droplet's user-data, which contains the file, can
// hold.
const maxFile = 64 << 10

// File is a file from user-data: a JSON object that maps names to values. Only
// root can read it.
type File struct {
	Path string
	// Names are the required secrets. Other secrets in the file are ignored.
	Names []string
}

var _ Source = File{}

// Read returns the values in the file. It is an error if another account can
// read the file, because its content is then no longer secret.
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
		// The decoder's error could contain a part of a secret.
		return nil, fmt.Errorf("reading the secrets: %s is not a JSON object of strings", f.Path)
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
