package gate

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"escala/service/machine"
)

// storedEvery is the pause between two reads of the release store. Each read is a
// call of the cloud's API. storedTimeout is the time that the gate waits for a
// read. It is short, so that a provider that retries does not keep the gate from
// seeing that the machine serves.
const (
	storedEvery   = 5 * time.Second
	storedTimeout = 2 * time.Second
)

// stored reads the status that the machine writes to the release store. The
// gate uses it only while the machine does not answer by HTTP.
type stored struct {
	read  func(context.Context) (machine.Status, error)
	every time.Duration

	readAt  time.Time
	reading chan answer     // nil while no read is in progress
	hasRead bool            // whether a read has ended
	first   *machine.Status // the status at the beginning of the wait; nil for none
	latest  *machine.Status
	err     error // of the last read
}

type answer struct {
	status machine.Status
	err    error
}

// written returns the status if it was written during this wait, that is, if it
// differs from the status at the beginning of the wait. It does not compare the
// clocks of machines, clouds and this computer.
func (s *stored) written(ctx context.Context) (machine.Status, bool) {
	if s.read == nil {
		return machine.Status{}, false
	}
	if s.reading == nil && (s.readAt.IsZero() || time.Since(s.readAt) >= s.every) {
		s.readAt = time.Now()
		reading := make(chan answer, 1)
		s.reading = reading
		go func() {
			status, err := s.read(ctx)
			reading <- answer{status, err}
		}()
	}
	if s.reading != nil {
		s.awaitRead(ctx)
	}
	if s.latest == nil || s.first != nil && reflect.DeepEqual(*s.first, *s.latest) {
		return machine.Status{}, false
	}
	return *s.latest, true
}

// awaitRead waits for the read in progress, at most storedTimeout.
func (s *stored) awaitRead(ctx context.Context) {
	timeout := time.NewTimer(storedTimeout)
	defer timeout.Stop()
	select {
	case <-ctx.Done():
	case <-timeout.C:
	case a := <-s.reading:
		s.reading = nil
		if s.err = a.err; a.err == nil {
			s.latest = &a.status
			if !s.hasRead {
				s.first = &a.status
			}
		}
		s.hasRead = true
	}
}

// fallback returns the status in the store for a machine that does not answer by
// HTTP. noAnswer describes the missing answer.
func (s *stored) fallback(ctx context.Context, want Want, noAnswer error) (machine.Status, error) {
	status, fresh := s.written(ctx)
	switch {
	case !fresh, want.Machine != "" && status.Machine != want.Machine:
		return machine.Status{}, noAnswer
	case status.Phase == machine.Refused && status.Wanted == want.Release && (want.RequestedAt == 0 || status.RequestedAt == want.RequestedAt):
		return status, fmt.Errorf("%w: %s", errRefused, status.Reason)
	}
	if serves, missing := status.Serves(want.Release, want.Workers); !serves {
		return status, fmt.Errorf("%w; the machine reports through the release store: %s", noAnswer, missing)
	}
	return status, fmt.Errorf("%w, while the machine reports through the release store that it serves: is its port closed on the way?", noAnswer)
}

// failure returns what a failure reports about the store.
func (s *stored) failure() string {
	switch {
	case s.readAt.IsZero(), s.latest != nil:
		return ""
	case s.err != nil && !errors.Is(s.err, context.Canceled):
		return fmt.Sprintf("the release store has no status of the machine either: %.300s", s.err)
	default:
		return ""
	}
}
