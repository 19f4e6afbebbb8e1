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

	"escala/service"
	"escala/service/machine"
)

var (
	wanted = service.ReleaseID(strings.Repeat("a", 64))
	older  = service.ReleaseID(strings.Repeat("b", 64))
)

// endpoint is a scripted machine. Each read of its status takes the next script
// entry, and the last one stays.
type endpoint struct {
	mu       sync.Mutex
	statuses []machine.Status
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

func healthy(release service.ReleaseID) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.Header().Set("X-Release", string(release)) }
}

func workers(releases ...service.ReleaseID) []machine.Worker {
	var out []machine.Worker
	for i, r := range releases {
		out = append(out, machine.Worker{Worker: i, Release: r, Ready: true})
	}
	return out
}

func TestWait(t *testing.T) {
	serving := machine.Status{Phase: "serving", Wanted: wanted, Current: wanted, Workers: workers(wanted, wanted)}
	unready := serving
	unready.Workers = []machine.Worker{{Worker: 0, Release: wanted, Ready: true}, {Worker: 1, Release: wanted}}
	for name, tt := range map[string]struct {
		statuses []machine.Status
		health   func(http.ResponseWriter)
		want     []string // parts of the error; none if the gate passes
	}{
		"serves": {[]machine.Status{serving}, healthy(wanted), nil},
		"comes to serve": {[]machine.Status{
			{Phase: "serving", Wanted: older, Current: older, Workers: workers(older, older)},
			{Phase: "rolling", Wanted: wanted, Current: wanted, Reason: "rolling", Workers: workers(wanted, older)},
			{Phase: "failing", Wanted: wanted, Current: older, Reason: "the store is away", Workers: workers(older, older)},
			serving,
		}, healthy(wanted), nil},
		"not set up": {nil, healthy(wanted), []string{"answers, but is not set up yet"}},
		"another release is wanted": {
			[]machine.Status{{Phase: "serving", Wanted: older, Current: older, Workers: workers(older, older)}},
			healthy(older),
			[]string{"the machine has not yet seen release aaaaaaaaaaaa", "release bbbbbbbbbbbb, which served before, still does, on 2 of 2 workers"},
		},
		"refused": {
			[]machine.Status{{Phase: "refused", Wanted: wanted, Current: older, Reason: "it exits at start with status 3", Workers: workers(older, older)}},
			healthy(older),
			[]string{"release aaaaaaaaaaaa does not serve", ": it exits at start with status 3", "still does, on 2 of 2 workers", "the machine reports:\nask the machine"},
		},
		"fails again and again": {
			[]machine.Status{{Phase: "failing", Wanted: wanted, Current: older, Reason: "the disk is full", Workers: workers(older)}},
			healthy(older),
			[]string{"1 workers are there, not 2"},
		},
		"stuck": {
			[]machine.Status{{Phase: "failing", Wanted: wanted, Current: older, Reason: "the disk is full", Workers: workers(older, older)}},
			healthy(older),
			[]string{"the disk is full"},
		},
		"one worker is not ready":     {[]machine.Status{unready}, healthy(wanted), []string{"worker 1 is not ready"}},
		"one worker is of the older":  {[]machine.Status{{Phase: "serving", Wanted: wanted, Current: wanted, Workers: workers(wanted, older)}}, healthy(wanted), []string{"worker 1 runs release bbbbbbbbbbbb"}},
		"one worker does not answer":  {[]machine.Status{{Phase: "serving", Wanted: wanted, Current: wanted, Workers: workers(wanted, "")}}, healthy(wanted), []string{"worker 1 runs no release"}},
		"too few workers":             {[]machine.Status{{Phase: "serving", Wanted: wanted, Current: wanted, Workers: workers(wanted)}}, healthy(wanted), []string{"1 workers are there, not 2"}},
		"health answers as the older": {[]machine.Status{serving}, healthy(older), []string{"/health answers as release bbbbbbbbbbbb"}},
		"health answers 500":          {[]machine.Status{serving}, func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }, []string{"/health answers 500"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(&endpoint{statuses: tt.statuses, health: tt.health})
			defer server.Close()
			g := Gate{
				URL: server.URL, HealthPath: "/health", Timeout: 400 * time.Millisecond, Poll: 10 * time.Millisecond, StuckTimeout: 100 * time.Millisecond,
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
	server := httptest.NewServer(&endpoint{statuses: []machine.Status{{Phase: "refused", Wanted: wanted, Current: older, Reason: "no"}}})
	defer server.Close()
	began := time.Now()
	g := Gate{URL: server.URL, HealthPath: "/health", Timeout: time.Minute}
	require.Error(t, g.Wait(t.Context(), Want{Release: wanted, Workers: 2}))
	assert.Less(t, time.Since(began), 10*time.Second)
}

// TestWaitGivesARefusedReleaseAnotherTry checks that a refusal from before this
// wait does not count: its cause may be gone, and the machine tries the release
// again.
func TestWaitGivesARefusedReleaseAnotherTry(t *testing.T) {
	before := machine.Status{Phase: machine.Refused, Wanted: wanted, Current: older, Reason: "the database is away", Checked: 1000, Refused: 950, Retry: 1010, Workers: workers(older, older)}
	serving := machine.Status{Phase: machine.Serving, Wanted: wanted, Current: wanted, Workers: workers(wanted, wanted)}
	again := before
	again.Reason, again.Checked, again.Refused = "no such table", 1012, 1012
	for name, tt := range map[string]struct {
		statuses []machine.Status
		want     string
	}{
		"it passes now":                     {[]machine.Status{before, serving}, ""},
		"it is refused again":               {[]machine.Status{before, again}, "no such table"},
		"a machine that tells no time":      {[]machine.Status{{Phase: machine.Refused, Wanted: wanted, Reason: "no"}}, ": no"},
		"a machine that does not try again": {[]machine.Status{{Phase: machine.Refused, Wanted: wanted, Reason: "no", Checked: 1000, Refused: 1}}, ": no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(&endpoint{statuses: tt.statuses, health: healthy(wanted)})
			defer server.Close()
			var reported []string
			g := Gate{URL: server.URL, HealthPath: "/health", Timeout: time.Minute, Poll: time.Millisecond, Report: func(s string) { reported = append(reported, s) }}
			err := g.Wait(t.Context(), Want{Release: wanted, Workers: 2})
			if tt.want == "" {
				require.NoError(t, err)
				assert.Equal(t, []string{"waiting: the machine refused release aaaaaaaaaaaa before and tries it again within 10s: the database is away"}, reported)
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestWaitReportsEachChangeOnce(t *testing.T) {
	server := httptest.NewServer(&endpoint{statuses: []machine.Status{
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

func TestWaitTellsWhatDoesNotWorkAroundTheService(t *testing.T) {
	t.Parallel()
	serving := machine.Status{Phase: "serving", Wanted: wanted, Current: wanted, Workers: workers(wanted, wanted)}
	serving.Workers[1].Trouble = "Redis has been away since 2026-11-26T03:00:00.000Z"
	server := httptest.NewServer(&endpoint{statuses: []machine.Status{serving}, health: healthy(wanted)})
	defer server.Close()
	var told []string
	g := Gate{URL: server.URL, HealthPath: "/health", Timeout: 10 * time.Second, Report: func(s string) { told = append(told, s) }}
	require.NoError(t, g.Wait(t.Context(), Want{Release: wanted, Workers: 2}))
	assert.Equal(t, []string{"serves, but Redis has been away since 2026-11-26T03:00:00.000Z"}, told)
}

func TestWaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	// Nothing listens on port 1.
	g := Gate{URL: "http://127.0.0.1:1", HealthPath: "/health", Timeout: time.Minute, Poll: time.Millisecond}
	require.ErrorIs(t, g.Wait(ctx, Want{Release: wanted, Workers: 2}), context.DeadlineExceeded)
}
