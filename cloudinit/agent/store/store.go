// Package store gives a machine access to the release store. A machine reads
// which release is current, fetches releases, and writes its own objects below
// machines/<id>/. It uses nothing else in the store.
//
// A store consists of Objects: a folder, an S3 bucket or a Spaces bucket.
// Objects are not trusted. Their answers have a size limit, and a release is
// verified by its SHA-256 before it gets the name under which it can run.
package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"escala/service"
)

// Errors of a store. Each is wrapped with the object's key.
var (
	// ErrNotFound means that the object does not exist.
	ErrNotFound = errors.New("not found")
	// ErrDenied means that the credentials may not read or write the object. S3
	// also returns it for an object that does not exist, since the machine's
	// role may not list the bucket ("GetObject", Permissions).
	ErrDenied = errors.New("access denied")
	// ErrUnreachable means that the store does not answer, is too slow or is
	// overloaded. A later call may succeed.
	ErrUnreachable = errors.New("unreachable")
	// ErrCorrupt means that the content is invalid: too long, too short, with
	// another checksum, or not a pointer.
	ErrCorrupt = errors.New("corrupt")
	// ErrExists means that Create found an object.
	ErrExists = errors.New("exists already")
)

// Limits of the store. A time starts again with each received byte.
const (
	// MaxObject is the size in bytes of the largest object that Write takes.
	MaxObject = 1 << 20
	// Timeout is the time limit of reading a pointer, and of Write.
	Timeout = 20 * time.Second
	// Stall is the time without a byte after which a download of a release
	// fails.
	Stall = 20 * time.Second

	// maxPointer is more than the length of any pointer: 64 digits, a size, and the
	// words of service.Wanted and of newer programs.
	maxPointer = 512
	// maxName is the longest name of a machine's object.
	maxName = 200
)

// Store is the release store of one machine.
type Store interface {
	// Current returns what the store's pointer asks for. The error wraps
	// ErrNotFound, ErrDenied, ErrUnreachable or ErrCorrupt.
	Current(ctx context.Context) (service.Wanted, error)
	// Copy writes the release's binary to w and verifies it. Until Copy returns
	// nil, the bytes in w are unverified. w gets at most release.Size bytes.
	// Errors are those of Current and of w.
	Copy(ctx context.Context, w io.Writer, release service.Release) error
	// Read returns an object that an operator has written for the machines, of at
	// most limit bytes. Its key begins with RequestsPrefix.
	Read(ctx context.Context, key string, limit int64) ([]byte, error)
	// Write replaces the object name of this machine, machines/<id>/name,
	// atomically.
	Write(ctx context.Context, name string, content []byte) error
}

// Objects is a bucket or a substitute for one. Its errors wrap the errors of
// this package.
type Objects interface {
	// Get returns the content of the object key. The caller limits its size and
	// closes it. Reading fails once ctx has ended.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// Put replaces the object key, atomically.
	Put(ctx context.Context, key string, content []byte) error
	// Create makes the object key, atomically. It returns ErrExists if there is
	// one. A bucket that does not know conditional writes replaces it.
	Create(ctx context.Context, key string, content []byte) error
}

// MachineKey returns the key of the object name of the machine id.
func MachineKey(id, name string) string { return "machines/" + id + "/" + name }

// RequestsPrefix is the beginning of the keys that operators write and machines
// read.
const RequestsPrefix = "requests/"

// StatusName is the name of the machine's status among its objects.
const StatusName = "status.json"

type store struct {
	releases, machines Objects
	id                 string
}

// New returns the store of the machine with the cloud's id. releases holds the
// pointer and the releases. machines holds the machines' objects. Both may be
// the same.
func New(releases, machines Objects, id string) (Store, error) {
	if !machineID.MatchString(id) {
		return nil, fmt.Errorf("the machine's id is %.80q: want 1 to 64 letters, digits, '.', '_' and '-', a letter or digit first", id)
	}
	return &store{releases: releases, machines: machines, id: id}, nil
}

var (
	machineID  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	objectName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*$`)
)

func (s *store) Current(ctx context.Context) (service.Wanted, error) {
	content, err := read(ctx, s.releases, service.PointerKey, maxPointer)
	if err != nil {
		return service.Wanted{}, fmt.Errorf("reading the release pointer: %w", err)
	}
	wanted, err := service.ParseWanted(string(content))
	if err != nil {
		return service.Wanted{}, fmt.Errorf("reading the release pointer: %w: %w", ErrCorrupt, err)
	}
	return wanted, nil
}

func (s *store) Copy(ctx context.Context, w io.Writer, release service.Release) error {
	if err := s.copy(ctx, w, release); err != nil {
		return fmt.Errorf("fetching release %s: %w", release.Short(), err)
	}
	return nil
}

func (s *store) copy(ctx context.Context, w io.Writer, release service.Release) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := fmt.Errorf("%w: no byte for %s", ErrUnreachable, Stall)
	timer := time.AfterFunc(Stall, func() { cancel(stalled) })
	defer timer.Stop()

	content, err := s.releases.Get(ctx, release.Key())
	if err != nil {
		return because(ctx, err)
	}
	defer content.Close()
	hash := sha256.New()
	// The copy reads one byte more than the size, so that a longer object is
	// detected.
	n, err := io.Copy(io.MultiWriter(hash, &limitWriter{w, release.Size}),
		&watchedReader{io.LimitReader(content, release.Size+1), timer})
	switch sum := hex.EncodeToString(hash.Sum(nil)); {
	case n > release.Size || errors.Is(err, errTooLong):
		return fmt.Errorf("%w: it has more bytes than the %d of its pointer", ErrCorrupt, release.Size)
	case err != nil:
		return because(ctx, err)
	case n < release.Size:
		return fmt.Errorf("%w: it has %d bytes, not the %d of its pointer", ErrCorrupt, n, release.Size)
	case service.ReleaseID(sum) != release.ID:
		return fmt.Errorf("%w: its SHA-256 is %.12s…", ErrCorrupt, sum)
	}
	return nil
}

func (s *store) Read(ctx context.Context, key string, limit int64) ([]byte, error) {
	if !strings.HasPrefix(key, RequestsPrefix) || !objectName.MatchString(key) || strings.Contains(key, "..") {
		return nil, fmt.Errorf("%.80q is not the key of a request: want one below %s", key, RequestsPrefix)
	}
	content, err := read(ctx, s.releases, key, limit)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", key, err)
	}
	return content, nil
}

func (s *store) Write(ctx context.Context, name string, content []byte) error {
	key, err := s.key(name)
	if err != nil {
		return err
	}
	if len(content) > MaxObject {
		return fmt.Errorf("writing %s: it has %d bytes, and %d is the most", key, len(content), MaxObject)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, Timeout, errSlow)
	defer cancel()
	if err := s.machines.Put(ctx, key, content); err != nil {
		return fmt.Errorf("writing %s: %w", key, because(ctx, err))
	}
	return nil
}

// key returns the key of a name and checks that it is below the machine's own
// folder.
func (s *store) key(name string) (string, error) {
	if len(name) > maxName || !objectName.MatchString(name) || strings.Contains(name, "..") {
		return "", fmt.Errorf("%.80q is not the name of a machine's object: want letters, digits, '.', '_' and '-', with '/' between parts", name)
	}
	return MachineKey(s.id, name), nil
}

var errSlow = fmt.Errorf("%w: no whole answer within %s", ErrUnreachable, Timeout)

// ReadObject returns an object of at most limit bytes. Errors are those of Objects, or
// wrap ErrCorrupt for a longer object.
func ReadObject(ctx context.Context, objects Objects, key string, limit int64) ([]byte, error) {
	content, err := read(ctx, objects, key, limit)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", key, err)
	}
	return content, nil
}

// read returns an object of at most limit bytes.
func read(ctx context.Context, objects Objects, key string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, Timeout, errSlow)
	defer cancel()
	content, err := objects.Get(ctx, key)
	if err != nil {
		return nil, because(ctx, err)
	}
	defer content.Close()
	b, err := io.ReadAll(io.LimitReader(content, limit+1))
	if err != nil {
		return nil, because(ctx, err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrCorrupt, limit)
	}
	return b, nil
}

// because returns err, or the time limit of this package that ended ctx.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(cause, ErrUnreachable) {
		return cause
	}
	return err
}
