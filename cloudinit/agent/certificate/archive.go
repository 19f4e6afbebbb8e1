package certificate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"escala/cloudinit/agent/store"
)

// Objects is the part of the release store that the certificates need.
type Objects interface {
	// Read returns an object of at most limit bytes.
	Read(ctx context.Context, key string, limit int64) ([]byte, error)
	// Write replaces an object, atomically.
	Write(ctx context.Context, key string, content []byte) error
}

// archive is the place of one subject in the store: the certificate that all
// machines of the stack share, and the lock of the machine that renews it.
type archive struct {
	objects Objects
	seed    Seed
	folder  string
}

// folder returns the place of a subject: certificates/<digest of the authority and
// the subject>. Another authority has another place, so that a test authority's
// certificate is never served after a change to a real one.
func folder(authority, subject string) string {
	sum := sha256.Sum256([]byte(authority + "\n" + subject))
	return "certificates/" + hex.EncodeToString(sum[:16])
}

// recordLimit is more than the size of any record.
const recordLimit = 4 * maxPair

// read returns the record in the store, or an empty record if there is none.
func (a archive) read(ctx context.Context) (record, error) {
	key := a.folder + "/certificate"
	content, err := a.objects.Read(ctx, key, recordLimit)
	if absent(err) {
		return record{}, nil
	}
	if err != nil {
		return record{}, fmt.Errorf("reading the certificate from the store: %w", err)
	}
	r, err := a.seed.open(content, key)
	if err != nil {
		return record{}, fmt.Errorf("reading the certificate from the store: %s: %w", key, err)
	}
	return r, nil
}

// write replaces the record in the store.
func (a archive) write(ctx context.Context, r record) error {
	key := a.folder + "/certificate"
	content, err := a.seed.seal(r, key)
	if err != nil {
		return err
	}
	if err := a.objects.Write(ctx, key, content); err != nil {
		return fmt.Errorf("writing the certificate to the store: %w", err)
	}
	return nil
}

// absent reports whether an object does not exist. S3 answers "access denied" for
// such an object to a role that may not list the bucket.
func absent(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDenied)
}
