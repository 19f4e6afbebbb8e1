package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/conformance"
	"escala/infra/testing/conformance/report"
)

// fake is a system within the test. It works normally or fails in a way that
// the runner must detect.
type fake struct {
	server *httptest.Server

	mu     sync.Mutex
	status conformance.Status
	cut    int // number of requests to cut
	// onRelease and onFault change the behaviour.
	onRelease func(*fake) error
	onFault   func(*fake, conformance.Fault) (conformance.Injection, error)
	stopped   bool
	// outlive is Endpoint.WorkersOutlive.
	outlive bool
}

func (f *fake) Name() string { return "fake" }

func (f *fake) Start(context.Context) (conformance.Endpoint, error) {
	f.status = conformance.Status{Wanted: "r0", Serving: "r0", Ready: 2, Workers: 2}
	f.server = httptest.NewServer(f)
	return conformance.Endpoint{URL: f.server.URL, About: "A server within the test.", WorkersOutlive: f.outlive}, nil
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	cut := f.cut > 0
	if cut {
		f.cut--
	}
	f.mu.Unlock()
	if cut {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.Copy(w, r.Body)
}

func (f *fake) Stop(context.Context) error {
	f.server.Close()
	f.stopped = true
	return nil
}

func (f *fake) Release(_ context.Context, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status.Wanted, f.status.Serving = name, name
	if f.onRelease != nil {
		return f.onRelease(f)
	}
	return nil
}

func (f *fake) ReleaseBad(_ context.Context, bad conformance.Bad) (string, error) {
	switch bad {
	case conformance.WrongChecksum:
		return "", conformance.NotApplicable("there are no checksums here")
	case conformance.NeverReady:
		return "", fmt.Errorf("release x: %w", conformance.ErrAccepted)
	case conformance.Truncated:
		return "", nil // no reason is given
	}
	return "it is " + string(bad), nil
}

func (f *fake) Rollback(context.Context) error { return nil }

func (f *fake) Inject(_ context.Context, fault conformance.Fault) (conformance.Injection, error) {
	if f.onFault == nil {
		return conformance.Injection{}, conformance.NotApplicable("a test has no %s", fault)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.onFault(f, fault)
}

func (f *fake) Status(context.Context) (conformance.Status, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status, nil
}

// runMatching runs the checks that match only.
func runMatching(t *testing.T, f *fake, only string) map[string]conformance.Outcome {
	t.Helper()
	if testing.Short() {
		t.Skip("sends a load for some seconds; -short leaves that out")
	}
	o := conformance.NewOptions()
	o.Counts.Releases, o.Counts.Kills, o.Counts.StoreAway = 2, 2, time.Second
	o.Counts.Only = regexp.MustCompile(only)
	o.Rate = 200
	result, err := conformance.Run(t.Context(), f, o)
	require.NoError(t, err)
	assert.True(t, f.stopped, "the system is taken down")
	document := report.New(result.Section(report.Run{}))
	require.NoError(t, document.Validate())
	page := report.Markdown(document)
	if overloaded := result.Overloaded(); len(overloaded) > 0 {
		t.Skipf("the computer was too busy for %s", strings.Join(overloaded, ", "))
	}
	outcomes := map[string]conformance.Outcome{}
	for _, outcome := range result.Outcomes {
		outcomes[outcome.ID] = outcome
		assert.Contains(t, page, outcome.Title)
		assert.NotEqual(t, outcome.Met(), outcome.Missed() || outcome.NotApplicable != "", "%s has one verdict", outcome.ID)
	}
	return outcomes
}

func TestGoodReleasesAreMet(t *testing.T) {
	t.Parallel()
	got := runMatching(t, &fake{}, "^releases$")
	require.Len(t, got, 1)
	o := got["releases"]
	assert.True(t, o.Met(), "%v", o.Problems)
	assert.Len(t, o.Took, 2)
	assert.Greater(t, o.Requests, uint64(100))
	assert.Positive(t, o.Latency.P99)
}

func TestAFailedRequestInAReleaseIsMissed(t *testing.T) {
	t.Parallel()
	f := &fake{onRelease: func(f *fake) error { f.cut++; return nil }}
	o := runMatching(t, f, "^releases$")["releases"]
	assert.True(t, o.Missed())
	assert.Equal(t, uint64(2), o.Failed)
	assert.Equal(t, []string{"2 requests failed"}, o.Problems)
}

func TestAReleaseThatFailsIsMissed(t *testing.T) {
	t.Parallel()
	f := &fake{onRelease: func(*fake) error { return errors.New("no room") }}
	o := runMatching(t, f, "^releases$")["releases"]
	assert.Equal(t, []string{"release 1: no room"}, o.Problems)
}

func TestBadReleases(t *testing.T) {
	t.Parallel()
	got := runMatching(t, &fake{}, "^bad-")
	assert.True(t, got["bad-exits-at-once"].Met())
	assert.Equal(t, "it is exits at once", got["bad-exits-at-once"].Reason)
	assert.Equal(t, "there are no checksums here", got["bad-wrong-checksum"].NotApplicable)
	assert.Contains(t, strings.Join(got["bad-never-ready"].Problems, ";"), conformance.ErrAccepted.Error())
	assert.Equal(t, []string{"the status does not say why"}, got["bad-truncated"].Problems)
	assert.True(t, got["mend"].Met(), "what was broken is mended, asked for or not")
	assert.Len(t, got, len(conformance.Bads())+1)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	n := 0
	f := &fake{onFault: func(f *fake, fault conformance.Fault) (conformance.Injection, error) {
		switch fault {
		case conformance.KillWorker:
			n++
			f.cut++
			f.status.Incident = fmt.Sprintf("worker %d was killed", n)
		case conformance.KillProxy: // it recovers late and reports nothing
			f.status.Ready = 0
			time.AfterFunc(500*time.Millisecond, func() {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.status.Ready = 2
			})
		case conformance.HideStore:
			f.status.Reason = "there is no store"
			return conformance.Injection{Heal: func(context.Context) error {
				f.mu.Lock()
				defer f.mu.Unlock()
				f.status.Reason = ""
				return nil
			}}, nil
		default:
			return conformance.Injection{}, conformance.NotApplicable("a test has no %s", fault)
		}
		return conformance.Injection{}, nil
	}}
	got := runMatching(t, f, "^kill-worker|^kill-proxy|^store|^reboot")
	worker := got["kill-worker"]
	assert.True(t, worker.Met(), "%v", worker.Problems)
	assert.Equal(t, uint64(2), worker.Failed)
	assert.Zero(t, worker.NotHeld)
	assert.Equal(t, "worker 1 was killed", worker.Reason)

	proxy := got["kill-proxy"]
	assert.GreaterOrEqual(t, proxy.Normal, 0.4)
	assert.Equal(t, []string{"the status does not say why"}, proxy.Problems)

	store := got["store-away"]
	assert.True(t, store.Met(), "%v", store.Problems)
	assert.Equal(t, "there is no store", store.Reason)
	assert.Equal(t, "a test has no reboot", got["reboot"].NotApplicable)
}

// TestALateFailureIsNotHeld checks that a failure long after the kill does not
// count as one of the killed worker.
func TestALateFailureIsNotHeld(t *testing.T) {
	t.Parallel()
	f := &fake{onFault: func(f *fake, _ conformance.Fault) (conformance.Injection, error) {
		f.status.Incident += "killed "
		time.AfterFunc(time.Second, func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.cut = 1
		})
		return conformance.Injection{At: time.Now()}, nil
	}}
	o := runMatching(t, f, "^kill-worker$")["kill-worker"]
	assert.Equal(t, 2, o.NotHeld)
	assert.Equal(t, []string{"2 requests failed that were sent after the fault"}, o.Problems)
}

// TestAKilledSupervisorCostsNothingWhereWorkersOutliveIt checks that a killed
// supervisor may cost requests only if its workers end with it.
func TestAKilledSupervisorCostsNothingWhereWorkersOutliveIt(t *testing.T) {
	t.Parallel()
	for _, outlive := range []bool{false, true} {
		t.Run(fmt.Sprintf("workers outlive it %t", outlive), func(t *testing.T) {
			t.Parallel()
			f := &fake{outlive: outlive, onFault: func(f *fake, fault conformance.Fault) (conformance.Injection, error) {
				f.status.Incident += "killed "
				now := time.Now()
				injection := conformance.Injection{At: now}
				if fault == conformance.KillSupervisorOften {
					injection.Kills = []time.Time{now, now.Add(2 * time.Second)}
				}
				time.AfterFunc(time.Second, func() { // long after a kill, and before the next
					f.mu.Lock()
					defer f.mu.Unlock()
					f.cut = 1
				})
				return injection, nil
			}}
			got := runMatching(t, f, "^(kill|often)-supervisor$")
			require.Len(t, got, 2)
			for id, o := range got {
				assert.Equal(t, uint64(1), o.Failed, id)
				assert.Equal(t, outlive, o.Missed(), id)
				if outlive {
					assert.Equal(t, []string{"1 requests failed that were sent after the fault"}, o.Problems, id)
				}
			}
		})
	}
}
