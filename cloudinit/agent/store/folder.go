package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Folder is a store in a mounted folder. Each object is a file, and its key is
// the file's path below the folder.
type Folder string

var _ Objects = Folder("")

// Get opens the file. It refuses a file that is not regular, because reading a
// pipe might never end.
func (f Folder) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, fmt.Errorf("%w: the store's folder: %w", ErrUnreachable, err)
	}
	defer root.Close()
	name := filepath.FromSlash(key)
	if info, err := root.Stat(name); err != nil {
		return nil, fileError(err)
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: it is not a file", ErrCorrupt)
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, fileError(err)
	}
	return &fileReader{ctx, file}, nil
}

// Put writes a file beside the target and renames it.
func (f Folder) Put(ctx context.Context, key string, content []byte) error {
	path, err := f.place(ctx, key)
	if err != nil {
		return err
	}
	return fileError(writeObject(path, content))
}

// Create writes a file beside the target and links it, which fails if the target
// exists.
func (f Folder) Create(ctx context.Context, key string, content []byte) error {
	path, err := f.place(ctx, key)
	if err != nil {
		return err
	}
	own, err := os.MkdirTemp(filepath.Dir(path), ".create-")
	if err != nil {
		return fileError(err)
	}
	defer os.RemoveAll(own)
	made := filepath.Join(own, "object")
	if err := writeObject(made, content); err != nil {
		return fileError(err)
	}
	if err := os.Link(made, path); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %w", ErrExists, err)
	} else if err != nil {
		return fileError(err)
	}
	return fileError(syncFolder(filepath.Dir(path)))
}

// place returns the path of a key's file, and makes its folder.
func (f Folder) place(ctx context.Context, key string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if !filepath.IsLocal(filepath.FromSlash(key)) || strings.HasSuffix(key, ".part") {
		return "", fmt.Errorf("%w: %q is not a key", ErrDenied, key)
	}
	// If the folder is not mounted, a write must not create it.
	if _, err := os.Stat(string(f)); err != nil {
		return "", fmt.Errorf("%w: the store's folder: %w", ErrUnreachable, err)
	}
	path := filepath.Join(string(f), filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", fileError(err)
	}
	return path, nil
}

func writeObject(path string, content []byte) error {
	return WriteFile(path, 0o644, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(content))
		return err
	})
}

// fileReader ends with its context, like a download.
type fileReader struct {
	ctx context.Context
	*os.File
}

func (r *fileReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.File.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fileError(err)
	}
	return n, err
}

func fileError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", ErrDenied, err)
	default:
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
}
