package agent

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// fourSlots is a supervisor of two workers whose old processes run.
type fourSlots struct {
	Supervisor
	stopped []int
}

func (s *fourSlots) Slots(context.Context) ([]Slot, error) {
	return []Slot{
		{State: SlotRunning, Process: "p0", Release: oldRelease},
		{State: SlotRunning, Process: "p1", Release: oldRelease},
		{State: SlotStopped},
		{State: SlotStopped},
	}, nil
}

func (s *fourSlots) Orphans(context.Context) ([]Orphan, error) { return nil, nil }

func (s *fourSlots) Stop(_ context.Context, slot int) error {
	s.stopped = append(s.stopped, slot)
	return nil
}

// ready are workers that answer.
type ready struct{ Workers }

func (ready) Ask(context.Context, int, string) Answer { return Answer{Code: 200, Release: oldRelease} }

// noFiles is a disk without files, on which everything can be written.
type noFiles struct{ Disk }

func (noFiles) Open(string) (io.ReadCloser, error)                 { return nil, fs.ErrNotExist }
func (noFiles) Readlink(string) (string, error)                    { return "", fs.ErrNotExist }
func (noFiles) Create(string, fs.FileMode) (io.WriteCloser, error) { return discard{}, nil }
func (noFiles) Sync(string) error                                  { return nil }
func (noFiles) Rename(string, string) error                        { return nil }

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }

func TestAWorkerEndsOnceItsRequestsAreAnswered(t *testing.T) {
	without0 := []Upstream{{1, 1, oldRelease}}
	for name, test := range map[string]struct {
		proxy *fakeProxy
		took  time.Duration
		asked int
	}{
		"nothing in flight":       {&fakeProxy{busy: []map[int]int{{}}}, 0, 1},
		"only at another":         {&fakeProxy{busy: []map[int]int{{1: 7}}}, 0, 1},
		"two requests":            {&fakeProxy{busy: []map[int]int{{0: 2}, {0: 1}, {0: 1}, {}}}, 3 * newPollInterval, 4},
		"the proxy does not run":  {&fakeProxy{err: fmt.Errorf("asking: %w", ErrProxyDown)}, 0, 1},
		"it does not answer":      {&fakeProxy{err: context.DeadlineExceeded}, 5 * time.Second, 251},
		"one that takes too long": {&fakeProxy{busy: []map[int]int{{0: 1}}}, 5 * time.Second, 251},
	} {
		t.Run(name, func(t *testing.T) {
			a := routing(test.proxy)
			s := &fourSlots{}
			a.Supervisor, a.Workers, a.Disk = s, ready{}, noFiles{}
			v, err := a.view(t.Context())
			require.NoError(t, err)
			require.NoError(t, a.end(t.Context(), v.slots[0]))
			assert.Equal(t, [][]Upstream{without0}, test.proxy.used)
			assert.Equal(t, []int{0}, s.stopped)
			assert.Equal(t, test.took, a.Clock.Elapsed())
			assert.Equal(t, test.asked, test.proxy.asked)
		})
	}
}

// TestPausesBeforeAnotherTry checks that a refused release is tried again soon,
// unless the try costs the machine a worker.
func TestPausesBeforeAnotherTry(t *testing.T) {
	ports := Config{Workers: 2, Mode: service.WorkersPorts}
	none := Config{Workers: 2, Mode: service.WorkersPorts, Runtime: service.RuntimeNone}
	at := time.Unix(1000, 0)
	assert.Equal(t, at.Add(RetryWorkerAfter), refusal{At: 1000, AsWorker: true}.retryAt(ports))
	assert.Equal(t, at.Add(RetryAfter), refusal{At: 1000}.retryAt(ports))
	assert.Equal(t, at.Add(RetryAfter), refusal{At: 1000, AsWorker: true}.retryAt(none))
	assert.Equal(t, at.Add(RetryAfter), refusal{At: 1000, AsWorker: true}.retryAt(Config{Workers: 2, Mode: service.WorkersShared}))
}
