package gate

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"escala/service/machine"
)

// storedEvery is the pause between two looks at the release store, where each
// costs a call of the cloud's API. storedPatience is the time that a wait gives a
// look: a provider that tries again and again must not keep the wait from seeing
// that the machine serves by now.
const (
	storedEvery    = 5 * time.Second
	storedPatience = 2 * time.Second
)

// stored is the status that the machine writes to the release store. It is asked
// for only while the machine does not answer by HTTP.
type stored struct {
	read  func(context.Context) (machine.Status, error)
	every time.Duration

	asked  time.Time
	asking chan answer     // nil while no look is under way
	looked bool            // a look has come to something
	first  *machine.Status // as the wait began; nil for none
	latest *machine.Status
	err    error // of the last look
}

type answer struct {
	status machine.Status
	err    error
}

// look returns the status, if it was written during this wait: it is not what was
// there as the wait began. No clock of a machine or a cloud is compared with this
// one's.
func (s *stored) look(ctx context.Context) (machine.Status, bool) {
	if s.read == nil {
		return machine.Status{}, false
	}
	if s.asking == nil && (s.asked.IsZero() || time.Since(s.asked) >= s.every) {
		s.asked = time.Now()
		asking := make(chan answer, 1)
		s.asking = asking
		go func() {
			status, err := s.read(ctx)
			asking <- answer{status, err}
		}()
	}
	if s.asking != nil {
		s.take(ctx)
	}
	if s.latest == nil || s.first != nil && reflect.DeepEqual(*s.first, *s.latest) {
		return machine.Status{}, false
	}
	return *s.latest, true
}

// take waits for the look that is under way, not long.
func (s *stored) take(ctx context.Context) {
	patience := time.NewTimer(storedPatience)
	defer patience.Stop()
	select {
	case <-ctx.Done():
	case <-patience.C:
	case a := <-s.asking:
		s.asking = nil
		if s.err = a.err; a.err == nil {
			s.latest = &a.status
			if !s.looked {
				s.first = &a.status
			}
		}
		s.looked = true
	}
}

// instead is what a look comes to at a machine that does not answer, which silent
// describes: what the machine has written to the store, if it has.
func (s *stored) instead(ctx context.Context, want Want, silent error) (machine.Status, error) {
	status, fresh := s.look(ctx)
	switch {
	case !fresh, want.Machine != "" && status.Machine != want.Machine:
		return machine.Status{}, silent
	case status.Phase == machine.Refused && status.Wanted == want.Release:
		return status, fmt.Errorf("%w: %s", errRefused, status.Reason)
	}
	if serves, missing := status.Serves(want.Release, want.Workers); !serves {
		return status, fmt.Errorf("%w; the machine reports through the release store: %s", silent, missing)
	}
	return status, fmt.Errorf("%w, while the machine reports through the release store that it serves: is its port closed on the way?", silent)
}

// said is what a failure tells of the store.
func (s *stored) said() string {
	switch {
	case s.asked.IsZero(), s.latest != nil:
		return ""
	case s.err != nil && !errors.Is(s.err, context.Canceled):
		return fmt.Sprintf("the release store has no status of the machine either: %.300s", s.err)
	default:
		return ""
	}
}
