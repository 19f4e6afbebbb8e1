package store

import (
	"context"
	"io"

	"escala/service"
)

// Fetch writes the release's binary to path, as a machine does: a file appears
// there only after it is verified.
func Fetch(ctx context.Context, s Store, release service.Release, path string) error {
	return WriteFile(path, 0o755, func(w io.Writer) error { return s.Copy(ctx, w, release) })
}
