package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service/machine"
)

// withUnreachable gives the gate an address that does not answer, without a real
// connection.
func withUnreachable(g Gate) Gate {
	g.URL = "http://machine.invalid"
	return g
}

// fakeStore is a scripted release store. statuses[i] is the status that the machine has
// written once after[i] has passed, on the wait's clock.
type fakeStore struct {
	began    time.Time
	after    []time.Duration
	statuses []machine.Status
	asked    atomic.Int32
}

func (w *fakeStore) read(context.Context) (machine.Status, error) {
	w.asked.Add(1)
	for i := len(w.after) - 1; i >= 0; i-- {
		if time.Since(w.began) >= w.after[i] {
			return w.statuses[i], nil
		}
	}
	return machine.Status{}, errors.New("NoSuchKey")
}

func TestASilentMachinesReasonIsInTheStore(t *testing.T) {
	of := func(phase machine.Phase, reason string) machine.Status {
		return machine.Status{Machine: "i-1", Phase: phase, Wanted: wanted, Reason: reason, Checked: 1, Workers: workers("", "")}
	}
	serving := of(machine.Serving, "")
	serving.Current, serving.Workers = wanted, workers(wanted, wanted)
	another := of(machine.Refused, "it exits at start")
	another.Machine = "i-2"
	earlier := of(machine.Refused, "it exits at start")
	for name, test := range map[string]struct {
		after    []time.Duration
		statuses []machine.Status
		want     []string
		not      string
		took     time.Duration
	}{
		"never came up": {nil, nil, []string{"does not answer yet", "the release store has no status of the machine either: NoSuchKey"}, "reports", time.Hour},
		"refused": {
			[]time.Duration{time.Minute},
			[]machine.Status{of(machine.Refused, "it exits at start with status 3")},
			[]string{"does not serve after 1m", ": it exits at start with status 3"},
			"does not answer yet", time.Minute,
		},
		"stuck": {
			[]time.Duration{time.Minute},
			[]machine.Status{of(machine.Failing, "the disk is full")},
			[]string{"does not answer yet; the machine reports through the release store: the disk is full"},
			"", 2 * time.Minute,
		},
		"refused before this update": {[]time.Duration{0}, []machine.Status{earlier}, []string{"does not answer yet"}, "exits", time.Hour},
		"refused before, and again": {
			[]time.Duration{0, time.Minute},
			[]machine.Status{earlier, of(machine.Refused, "it still exits")},
			[]string{"it still exits"},
			"at start", time.Minute,
		},
		"another machine's word": {[]time.Duration{time.Minute}, []machine.Status{another}, []string{"does not answer yet"}, "exits", time.Hour},
		"only the port is closed": {
			[]time.Duration{time.Minute},
			[]machine.Status{serving},
			[]string{"reports through the release store that it serves: is its port closed"},
			"", time.Hour,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &fakeStore{began: time.Now(), after: test.after, statuses: test.statuses}
				g := withUnreachable(Gate{HealthPath: "/health", Timeout: time.Hour, Poll: time.Second, Stored: w.read})
				g.transport = unreachable{}
				began := time.Now()
				err := g.Wait(t.Context(), Want{Release: wanted, Workers: 2, Machine: "i-1"})
				for _, part := range test.want {
					require.ErrorContains(t, err, part)
				}
				if test.not != "" {
					assert.NotContains(t, err.Error(), test.not)
				}
				assert.InDelta(t, test.took.Seconds(), time.Since(began).Seconds(), 15)
				looks := int(time.Since(began)/storedEvery) + 1
				if test.took == time.Minute {
					looks++ // the read for the last lines of a refused release
				}
				assert.LessOrEqual(t, int(w.asked.Load()), looks, "each look costs a call")
			})
		})
	}
}

func TestAMachineThatIsNotSetUpIsLookedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &fakeStore{began: time.Now()}
		g := withUnreachable(Gate{HealthPath: "/health", Timeout: time.Minute, Stored: w.read})
		g.transport = answers{}
		err := g.Wait(t.Context(), Want{Release: wanted, Workers: 2})
		require.ErrorContains(t, err, "not set up yet")
		assert.NotZero(t, w.asked.Load(), "what answers has no status of its own")
	})
}

func TestAStoreThatHangsKeepsNothingFromBeingSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var asked atomic.Int32
		g := withUnreachable(Gate{HealthPath: "/health", Timeout: time.Hour, Stored: func(context.Context) (machine.Status, error) {
			asked.Add(1)
			<-ctx.Done()
			return machine.Status{}, ctx.Err()
		}})
		began := time.Now()
		g.transport = comesUp{after: began.Add(time.Minute)}
		require.NoError(t, g.Wait(t.Context(), Want{Release: wanted, Workers: 2}))
		assert.Less(t, time.Since(began), time.Minute+5*time.Second)
		assert.EqualValues(t, 1, asked.Load(), "one look is under way at most")
	})
}

// comesUp is a network with a machine that serves after a time.
type comesUp struct{ after time.Time }

func (c comesUp) RoundTrip(r *http.Request) (*http.Response, error) {
	if time.Now().Before(c.after) {
		return unreachable{}.RoundTrip(r)
	}
	w := httptest.NewRecorder()
	(&endpoint{
		statuses: []machine.Status{{Phase: machine.Serving, Wanted: wanted, Current: wanted, Workers: workers(wanted, wanted)}},
		health:   healthy(wanted),
	}).ServeHTTP(w, r)
	return w.Result(), nil
}

// unreachable is a network without the machine.
type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
}

// answers is a network with a machine whose Nginx has no status.
type answers struct{}

func (answers) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody, Request: r}, nil
}

// TestAMachineThatAnswersNeedsNoStore checks a machine that answers after a while with
// its reason. That the store had no status before is of no interest then.
func TestAMachineThatAnswersNeedsNoStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		g := Gate{HealthPath: "/health", Timeout: time.Hour, Poll: time.Second, Stored: (&fakeStore{began: began}).read}
		g.transport = answersLater{began.Add(10 * time.Second), machine.Status{Machine: "i-1", Phase: machine.Refused, Wanted: wanted, Reason: "it exits at start"}}
		err := g.Wait(t.Context(), Want{Release: wanted, Workers: 2, Machine: "i-1"})
		require.ErrorContains(t, err, "it exits at start")
		assert.NotContains(t, err.Error(), "NoSuchKey")
	})
}

// answersLater is a machine that answers with its status from a time on.
type answersLater struct {
	from   time.Time
	status machine.Status
}

func (a answersLater) RoundTrip(*http.Request) (*http.Response, error) {
	if time.Now().Before(a.from) {
		return nil, errors.New("connection refused")
	}
	content, err := json.Marshal(a.status)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(content))}, nil
}
