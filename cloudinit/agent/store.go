package agent

import (
	"context"
	"io"

	"escala/service"
)

// Store is the part of the release store that the agent needs.
type Store interface {
	// Current returns what the pointer asks for.
	Current(ctx context.Context) (service.Wanted, error)
	// Copy writes the release's binary to w.
	Copy(ctx context.Context, w io.Writer, release service.Release) error
	// Write replaces one of the machine's own objects.
	Write(ctx context.Context, name string, content []byte) error
}
