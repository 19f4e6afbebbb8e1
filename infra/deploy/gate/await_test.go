package gate

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// slowTimer is a context whose timer fires late.
type slowTimer struct {
	context.Context
	deadline time.Time
}

func (s slowTimer) Deadline() (time.Time, bool) { return s.deadline, true }

func TestEnded(t *testing.T) {
	require.NoError(t, Ended(t.Context()))
	require.NoError(t, Ended(slowTimer{t.Context(), time.Now().Add(time.Hour)}))
	require.ErrorIs(t, Ended(slowTimer{t.Context(), time.Now()}), context.DeadlineExceeded, "before the timer fires")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, Ended(ended), context.Canceled)
}

// TestAwait checks the result, the time and the reports of a wait. The checks are
// one second apart, and the last of them repeats.
func TestAwait(t *testing.T) {
	missing := CheckResult{Missing: "a pod"}
	crash := CheckResult{Missing: "a pod", Failure: "crash"}
	better := CheckResult{Missing: "a pod", Failure: "crash", Progress: 1}
	image := CheckResult{Missing: "an image", Failure: "image"}
	for name, test := range map[string]struct {
		results []CheckResult
		took    time.Duration
		want    error
		// reported lists what was missing, each time that it changed.
		reported []string
	}{
		"done at once":        {[]CheckResult{{Done: true}}, 0, nil, nil},
		"done later":          {[]CheckResult{missing, missing, {Done: true}}, 2 * time.Second, nil, []string{"waiting: a pod"}},
		"not done in time":    {[]CheckResult{missing}, 30 * time.Second, ErrMissing, []string{"waiting: a pod"}},
		"cannot succeed":      {[]CheckResult{missing, {Missing: "a quota", Final: true}}, time.Second, ErrMissing, []string{"waiting: a pod", "waiting: a quota"}},
		"the same failure":    {[]CheckResult{crash}, 11 * time.Second, ErrMissing, []string{"waiting: a pod"}},
		"a failure with pods": {[]CheckResult{crash, crash, crash, crash, crash, better}, 16 * time.Second, ErrMissing, []string{"waiting: a pod"}},
		"another failure":     {[]CheckResult{crash, crash, crash, crash, crash, image}, 16 * time.Second, ErrMissing, []string{"waiting: a pod", "waiting: an image"}},
		"a failure that ends": {[]CheckResult{crash, crash, missing, crash}, 14 * time.Second, ErrMissing, []string{"waiting: a pod"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var reported []string
				a := Awaiting{Timeout: 30 * time.Second, Poll: time.Second, StuckTimeout: 10 * time.Second, Report: func(what string) { reported = append(reported, what) }}
				n := -1
				last, took, err := Await(t.Context(), a, func(context.Context) (int, CheckResult) {
					n = min(n+1, len(test.results)-1)
					return n, test.results[n]
				})
				require.ErrorIs(t, err, test.want)
				assert.Equal(t, test.took, took)
				assert.Equal(t, test.reported, reported)
				assert.Equal(t, n, last)
			})
		})
	}
}

// TestAwaitKeepsTheLookBeforeTheDeadline checks that a check that the deadline cuts
// short does not hide what was missing before.
func TestAwaitKeepsTheLookBeforeTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		checks := 0
		last, took, err := Await(t.Context(), Awaiting{Timeout: 5 * time.Second, Poll: time.Second}, func(ctx context.Context) (string, CheckResult) {
			if checks++; checks == 1 {
				return "a pod", CheckResult{Missing: "a pod"}
			}
			<-ctx.Done()
			return "", CheckResult{Missing: ctx.Err().Error()}
		})
		require.ErrorIs(t, err, ErrMissing)
		assert.Equal(t, "a pod", last)
		assert.Equal(t, 5*time.Second, took)
	})
}

func TestAwaitEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("interrupted")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, gone)
		defer cancel()
		_, took, err := Await(ctx, Awaiting{Timeout: time.Hour, Poll: time.Second}, func(context.Context) (int, CheckResult) {
			return 0, CheckResult{Missing: "a pod"}
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 3*time.Second, took)
	})
}
