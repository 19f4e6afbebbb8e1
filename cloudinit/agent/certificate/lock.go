package certificate

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// lock prevents two machines of a stack from ordering for the same subject. It is an
// object in the store that names its owner. The bucket need not support conditional
// writes: a machine writes its name, waits until every write that began before its
// own must have ended, and has the lock if its name is still there. The last writer
// wins.
//
// Two owners are possible only if a write takes longer than lockSettle. The only
// cost is one order too many.
type lock struct {
	archive archive
	clock   Clock
	// machine is the machine's id.
	machine string
	// owner is the name that the last acquire wrote. Each acquire writes another
	// one, so an owner that is seen twice has not tried again since.
	owner string

	// otherOwner is the name of another owner that was there at since, by Clock.Elapsed.
	// The object contains no time, because the clocks of machines differ.
	otherOwner string
	since      time.Duration
}

const (
	// lockSettle is longer than a read and a write of the store normally take
	// together.
	lockSettle = 2 * time.Second
	// lockLease is the time after which an owner that has not changed loses the
	// lock. It is longer than an order may take.
	lockLease = 2 * orderTimeout
	lockLimit = 1 << 10
)

// acquire tries once. It returns false if another machine has the lock.
func (l *lock) acquire(ctx context.Context) (bool, error) {
	owner, err := l.read(ctx)
	if err != nil {
		return false, err
	}
	now := l.clock.Elapsed()
	if owner != "" && owner != l.owner {
		if owner != l.otherOwner {
			l.otherOwner, l.since = owner, now
		}
		if now-l.since < lockLease {
			return false, nil
		}
	}
	l.owner = newOwner(l.machine)
	if err := l.write(ctx, l.owner); err != nil {
		return false, err
	}
	if err := l.clock.Sleep(ctx, lockSettle); err != nil {
		return false, err
	}
	owner, err = l.read(ctx)
	if err != nil {
		return false, err
	}
	return owner == l.owner, nil
}

// release frees the lock. If that fails, others wait for lockLease.
func (l *lock) release(ctx context.Context) error { return l.write(ctx, "") }

func (l *lock) read(ctx context.Context) (string, error) {
	content, err := l.archive.objects.Read(ctx, l.key(), lockLimit)
	if absent(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the lock of the certificate in the store: %w", err)
	}
	return strings.TrimSpace(string(content)), nil
}

func (l *lock) write(ctx context.Context, owner string) error {
	if err := l.archive.objects.Write(ctx, l.key(), []byte(owner+"\n")); err != nil {
		return fmt.Errorf("writing the lock of the certificate in the store: %w", err)
	}
	return nil
}

func (l *lock) key() string { return l.archive.folder + "/lock" }

// newOwner returns a name for the lock that no other acquire has.
func newOwner(machine string) string {
	b := make([]byte, 8)
	_, _ = rand.Read(b)
	return machine + " " + hex.EncodeToString(b)
}
