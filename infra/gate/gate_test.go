package gate

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	wanted = strings.Repeat("a", 64)
	older  = strings.Repeat("b", 64)
)

// endpoint plays a machine: each look at its status takes the next of the
// scripted ones, and the last one stays.
type endpoint struct {
	mu       sync.Mutex
	statuses []Status
	health   func(http.ResponseWriter)
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch r.URL.Path {
	case "/-/release":
		if len(e.statuses) == 0 {
			http.NotFound(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(e.statuses[0])
		if len(e.statuses) > 1 {
			e.statuses = e.statuses[1:]
		}
	case "/health":
		e.health(w)
	}
}

func healthy(release string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.Header().Set("X-Release", release) }
}

func workers(releases ...string) []Worker {
	var out []Worker
	for i, r := range releases {
		out = append(out, Worker{Worker: i, Release: r, Ready: true})
	}
	return out
}

func TestWait(t *testing.T) {
	serving := Status{Phase: "serving", Wanted: wanted, Current: wanted, Workers: workers(wanted, wanted)}
	unready := serving
	unready.Workers = []Worker{{0, wanted, true}, {1, wanted, false}}
	for name, tt := range map[string]struct {
		statuses []Status
		health   func(http.ResponseWriter)
		want     []string // of the error; none: it passes
	}{
		"serves": {[]Status{serving}, healthy(wanted), nil},
		"comes to serve": {[]Status{
			{Phase: "serving", Wanted: older, Current: older, Workers: workers(older, older)},
			{Phase: "rolling", Wanted: wanted, Current: wanted, Reason: "rolling", Workers: workers(wanted, older)},
			{Phase: "failing", Wanted: wanted, Current: older, Reason: "the store is away", Workers: workers(older, older)},
			serving,
		}, healthy(wanted), nil},
		"not set up": {nil, healthy(wanted), []string{"answers, but is not set up yet"}},
		"another release is wanted": {
			[]Status{{Phase: "serving", Wanted: older, Current: older, Workers: workers(older, older)}},
			healthy(older),
			[]string{"the machine has not yet seen release aaaaaaaaaaaa", "release bbbbbbbbbbbb, which served before, still does, on 2 of 2 workers"},
		},
		"refused": {
			[]Status{{Phase: "refused", Wanted: wanted, Current: older, Reason: "it exits at start with status 3", Workers: workers(older, older)}},
			healthy(older),
			[]string{"release aaaaaaaaaaaa does not serve", ": it exits at start with status 3", "still does, on 2 of 2 workers", "the machine says:\nask the machine"},
		},
		"fails again and again": {
			[]Status{{Phase: "failing", Wanted: wanted, Current: older, Reason: "the disk is full", Workers: workers(older)}},
			healthy(older),
			[]string{"1 workers are there, not 2"},
		},
		"stuck": {
			[]Status{{Phase: "failing", Wanted: wanted, Current: older, Reason: "the disk is full", Workers: workers(older, older)}},
			healthy(older),
			[]string{"the disk is full"},
		},
		"one worker is not ready":     {[]Status{unready}, healthy(wanted), []string{"worker 1 is not ready"}},
		"one worker is of the older":  {[]Status{{Phase: "serving", Wanted: wanted, Current: wanted, Workers: workers(wanted, older)}}, healthy(wanted), []string{"worker 1 runs release bbbbbbbbbbbb"}},
		"one worker does not answer":  {[]Status{{Phase: "serving", Wanted: wanted, Current: wanted, Workers: workers(wanted, "")}}, healthy(wanted), []string{"worker 1 runs no release"}},
		"too few workers":             {[]Status{{Phase: "serving", Wanted: wanted, Current: wanted, Workers: workers(wanted)}}, healthy(wanted), []string{"1 workers are there, not 2"}},
		"health answers as the older": {[]Status{serving}, healthy(older), []string{"/health answers as release bbbbbbbbbbbb"}},
		"health answers 500":          {[]Status{serving}, func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }, []string{"/health answers 500"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(&endpoint{statuses: tt.statuses, health: tt.health})
			defer server.Close()
			g := Gate{
				URL: server.URL, HealthPath: "/health", Timeout: 400 * time.Millisecond, Poll: 10 * time.Millisecond, Stuck: 100 * time.Millisecond,
				Diagnose: func(context.Context) string { return "ask the machine" },
			}
			err := g.Wait(t.Context(), Want{Release: wanted, Workers: 2})
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			for _, w := range tt.want {
				assert.Contains(t, err.Error(), w)
			}
		})
	}
}

func TestWaitGivesUpAtOnceWhatIsFinal(t *testing.T) {
	server := httptest.NewServer(&endpoint{statuses: []Status{{Phase: "refused", Wanted: wanted, Current: older, Reason: "no"}}})
	defer server.Close()
	began := time.Now()
	g := Gate{URL: server.URL, HealthPath: "/health", Timeout: time.Minute}
	require.Error(t, g.Wait(t.Context(), Want{Release: wanted, Workers: 2}))
	assert.Less(t, time.Since(began), 10*time.Second)
}

func TestWaitReportsEachChangeOnce(t *testing.T) {
	server := httptest.NewServer(&endpoint{statuses: []Status{
		{Phase: "rolling", Wanted: wanted, Reason: "one", Workers: workers("", "")},
		{Phase: "rolling", Wanted: wanted, Reason: "one", Workers: workers("", "")},
		{Phase: "rolling", Wanted: wanted, Reason: "two", Workers: workers("", "")},
		{Phase: "serving", Wanted: wanted, Current: wanted, Workers: workers(wanted, wanted)},
	}, health: healthy(wanted)})
	defer server.Close()
	var reported []string
	g := Gate{URL: server.URL, HealthPath: "/health", Timeout: time.Minute, Poll: time.Millisecond, Report: func(s string) { reported = append(reported, s) }}
	require.NoError(t, g.Wait(t.Context(), Want{Release: wanted, Workers: 2}))
	assert.Equal(t, []string{"waiting: one", "waiting: two"}, reported)
}

func TestWaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	// Nothing listens on port 1.
	g := Gate{URL: "http://127.0.0.1:1", HealthPath: "/health", Timeout: time.Minute, Poll: time.Millisecond}
	require.ErrorIs(t, g.Wait(ctx, Want{Release: wanted, Workers: 2}), context.DeadlineExceeded)
}
