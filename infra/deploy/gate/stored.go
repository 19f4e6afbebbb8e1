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
// costs a call of the cloud's API.
const storedEvery = 5 * time.Second

// stored is the status that the machine writes to the release store. It is asked
// for only while the machine does not answer by HTTP.
type stored struct {
	read  func(context.Context) (machine.Status, error)
	every time.Duration

	asked  time.Time
	first  *machine.Status // as the wait began; nil for none
	latest *machine.Status
	err    error // of the last look
}

// look returns the status, if it was written during this wait: it is not what was
// there as the wait began. No clock of a machine or a cloud is compared with this
// one's.
func (s *stored) look(ctx context.Context) (machine.Status, bool) {
	if s.read == nil {
		return machine.Status{}, false
	}
	if began := s.asked.IsZero(); began || time.Since(s.asked) >= s.every {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		s.asked = time.Now()
		status, err := s.read(ctx)
		if s.err = err; err == nil {
			s.latest = &status
			if began {
				s.first = &status
			}
		}
	}
	if s.latest == nil || s.first != nil && reflect.DeepEqual(*s.first, *s.latest) {
		return machine.Status{}, false
	}
	return *s.latest, true
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
