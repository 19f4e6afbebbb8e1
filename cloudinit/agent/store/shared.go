package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// SharedPrefix, SchedulesPrefix and CommandsPrefix begin the keys that the machines
// of a stack share, and that each of them may write: their certificates, which runs
// of schedules were taken, and the runs of release commands.
const (
	SharedPrefix    = "certificates/"
	SchedulesPrefix = "schedules/"
	CommandsPrefix  = "commands/"
)

var sharedPrefixes = []string{SharedPrefix, SchedulesPrefix, CommandsPrefix}

// Shared gives access to the objects that the machines of a stack share. Each
// machine can replace them, so a reader must not trust their content.
type Shared struct{ objects Objects }

// Read returns the object key, of at most limit bytes.
func (s *Shared) Read(ctx context.Context, key string, limit int64) ([]byte, error) {
	if err := sharedKey(key); err != nil {
		return nil, err
	}
	content, err := read(ctx, s.objects, key, limit)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", key, err)
	}
	return content, nil
}

// Write replaces the object key, atomically.
func (s *Shared) Write(ctx context.Context, key string, content []byte) error {
	if err := sharedKey(key); err != nil {
		return err
	}
	if len(content) > MaxObject {
		return fmt.Errorf("writing %s: it has %d bytes, and %d is the most", key, len(content), MaxObject)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, Timeout, errSlow)
	defer cancel()
	if err := s.objects.Put(ctx, key, content); err != nil {
		return fmt.Errorf("writing %s: %w", key, because(ctx, err))
	}
	return nil
}

// Create makes the object key, atomically. The error wraps ErrExists if there is
// one.
func (s *Shared) Create(ctx context.Context, key string, content []byte) error {
	if err := sharedKey(key); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, Timeout, errSlow)
	defer cancel()
	if err := s.objects.Create(ctx, key, content); err != nil {
		return fmt.Errorf("creating %s: %w", key, because(ctx, err))
	}
	return nil
}

func sharedKey(key string) error {
	if len(key) > maxName || !slices.ContainsFunc(sharedPrefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) || !objectName.MatchString(key) || strings.Contains(key, "..") {
		return fmt.Errorf("%.80q is no key of a shared object: want one below %s", key, strings.Join(sharedPrefixes, ", "))
	}
	return nil
}
