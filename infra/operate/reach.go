package operate

import (
	"context"
	"errors"

	"escala/cloudinit/agent/store"
)

// Objects is the part of a release store that the operator's credentials can read
// and write: a bucket or a folder with the machine's objects.
type Objects = store.Objects

// ErrNoLogin is the error of a cloud for which this computer has no credentials.
var ErrNoLogin = errors.New("no credentials")

// Read returns an object of at most limit bytes.
func Read(ctx context.Context, objects Objects, key string, limit int64) ([]byte, error) {
	return store.ReadObject(ctx, objects, key, limit)
}
