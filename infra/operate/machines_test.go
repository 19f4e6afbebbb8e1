package operate

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/store"
	"escala/service"
	"escala/service/machine"
)

var (
	one = service.ReleaseID(strings.Repeat("1", 64))
	two = service.ReleaseID(strings.Repeat("2", 64))
)

// now is the time at which the tests' clocks begin.
var now = time.Unix(1_800_000_000, 0)

// host is a machine that answers by HTTP, and its folder in the release store.
type host struct {
	status  machine.Status
	details *machine.Details
	stored  *machine.Status
	// clock is the machine's clock; now by default.
	clock time.Time
	// raw replaces the status's JSON.
	raw string
	// down means that it answers 502, and hangs that it does not answer.
	down, hangs bool
	health      int
	// deny makes the store unreadable.
	deny bool
}

func well() host {
	return host{
		status: machine.Status{
			Machine: "i-1", Phase: machine.Serving, Wanted: one, Current: one, Checked: now.Unix() - 3,
			Workers: []machine.Worker{{Worker: 0, Release: one, Ready: true}, {Worker: 1, Release: one, Ready: true}},
		},
		details: &machine.Details{
			Machine: "i-1", Time: now.Unix() - 3, Every: 300, Booted: now.Unix() - 90_000,
			Disk: machine.Space{Free: 5e9, Total: 8e9}, Memory: machine.Space{Free: 3e8, Total: 1e9},
			Workers: []machine.WorkerDetails{{Worker: 0, Started: now.Unix() - 3600, Memory: 24e6}, {Worker: 1, Started: now.Unix() - 3600, Restarts: 2, Memory: 25e6}},
		},
		clock: now, health: http.StatusOK,
	}
}

// ask returns the status of a stack with this host.
func (h host) ask(t *testing.T) Status {
	t.Helper()
	released := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", h.clock.UTC().Format(http.TimeFormat))
		switch {
		case h.hangs:
			<-released
		case r.URL.Path == "/health":
			w.WriteHeader(h.health)
		case h.down:
			w.WriteHeader(http.StatusBadGateway)
		case h.raw != "":
			fmt.Fprint(w, h.raw)
		default:
			_ = json.NewEncoder(w).Encode(h.status)
		}
	}))
	defer server.Close()
	defer close(released)
	folder := t.TempDir()
	for name, object := range map[string]any{machine.DetailsName: h.details, store.StatusName: h.stored} {
		content, err := json.Marshal(object)
		require.NoError(t, err)
		if string(content) == "null" {
			continue
		}
		path := filepath.Join(folder, store.MachineKey("i-1", name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, content, 0o600))
	}
	m := Machines{
		Stack: stack(server.URL), At: []At{{ID: "i-1", URLs: []string{"http://127.0.0.1:1", server.URL}}}, Objects: store.Folder(folder),
		Now: func() time.Time { return now },
	}
	if h.deny {
		m.Objects, m.NoObjects = nil, fmt.Errorf("%w for AWS", ErrNoLogin)
	}
	return m.Status(t.Context())
}

func stack(url string) *Stack {
	spec := service.NewSpec()
	spec.Name, spec.Workers.Count = "api", 2
	return &Stack{
		Project: "escala", Name: "test", Target: "aws-ec2", Spec: spec,
		Outputs: map[string]any{"url": url, "health": url + "/health", "release": string(one)},
	}
}

func TestStatusOfMachines(t *testing.T) {
	for name, tt := range map[string]struct {
		change            func(*host)
		problems, unknown []string
	}{
		"well": {func(*host) {}, nil, nil},
		"a worker is not ready": {
			func(h *host) { h.status.Workers[1].Ready = false },
			[]string{"machine i-1: worker 1 is not ready"},
			nil,
		},
		"refused": {
			func(h *host) {
				h.status.Phase, h.status.Wanted, h.status.Reason = machine.Refused, two, "it exits at start"
			},
			[]string{"machine i-1: the machine has not yet seen release 111111111111; it refused release 222222222222 before: it exits at start"},
			nil,
		},
		"failing": {
			func(h *host) { h.status.Phase, h.status.Reason = machine.Failing, "the disk is full" },
			[]string{"machine i-1: the disk is full"},
			nil,
		},
		"a phase of a newer machine": {
			func(h *host) { h.status.Phase = "certifying" },
			[]string{"machine i-1 is certifying"},
			nil,
		},
		"its agent hangs": {
			func(h *host) { h.status.Checked = now.Unix() - 600 },
			[]string{"machine i-1: its agent has not looked for 10 min"},
			nil,
		},
		"its clock is two hours ahead, its agent works": {
			func(h *host) { h.clock = now.Add(2 * time.Hour); h.status.Checked = h.clock.Unix() - 3 },
			nil,
			[]string{"times of machine i-1: its clock and this one are 2 h apart"},
		},
		"its clock is two hours behind, its agent hangs": {
			func(h *host) { h.clock = now.Add(-2 * time.Hour); h.status.Checked = h.clock.Unix() - 600 },
			[]string{"machine i-1: its agent has not looked for 10 min"},
			[]string{"2 h apart"},
		},
		"a dependency is away": {
			func(h *host) { h.status.Workers[0].Trouble = "Redis has been away" },
			[]string{"machine i-1: Redis has been away"},
			nil,
		},
		"the store is away": {
			func(h *host) { h.deny = true },
			nil,
			[]string{"since, restarts, memory and disk of machine i-1: no credentials for AWS"},
		},
		"an agent older than details": {
			func(h *host) { h.details = nil },
			nil,
			[]string{"since, restarts, memory and disk of machine i-1: reading machines/i-1/details.json: not found"},
		},
		"another machine answers": {
			func(h *host) { h.status.Machine = "i-2" },
			[]string{"leads to machine i-2"},
			nil,
		},
		"down, and it reported to the store": {
			func(h *host) { h.down = true; h.stored = &h.status },
			[]string{"answers 502"},
			nil,
		},
		"down, not heard of": {
			func(h *host) {
				h.down, h.stored = true, &h.status
				h.details.Time, h.status.Checked = now.Unix()-3600, now.Unix()-7200
			},
			[]string{"answers 502", "machine i-1: not heard of for 1 h; it writes every 5 min"},
			nil,
		},
		"down, and its clock is ahead": {
			func(h *host) { h.down = true; h.stored = &h.status; h.details.Time = now.Unix() + 3600 },
			[]string{"answers 502"},
			[]string{"how old the last word of machine i-1 is"},
		},
		"down, never heard of": {
			func(h *host) { h.down = true },
			[]string{"answers 502", "reading machines/i-1/status.json: not found"},
			nil,
		},
		"not a status": {
			func(h *host) { h.raw = "<html>" },
			[]string{"reading the machine's status"},
			nil,
		},
		"the address does not serve": {
			func(h *host) { h.health = http.StatusBadGateway },
			[]string{"/health answers 502"},
			nil,
		},
		"the disk is nearly full": {
			func(h *host) { h.details.Disk.Free = 1e8 },
			[]string{"machine i-1: the disk has 100 MB of 8.0 GB left"},
			nil,
		},
		"no certificate yet": {
			func(h *host) { h.status.Certificate = &machine.Certificate{Error: "api.test does not lead here"} },
			[]string{"no valid certificate: api.test does not lead here"},
			nil,
		},
		"a renewal that fails early": {
			func(h *host) {
				h.status.Certificate = &machine.Certificate{Names: []string{"api.test"}, NotAfter: now.Unix() + 40*86400, Error: "away"}
			},
			nil, nil,
		},
		"a renewal that fails late": {
			func(h *host) {
				h.status.Certificate = &machine.Certificate{Names: []string{"api.test"}, NotAfter: now.Unix() + 2*86400, Error: "away"}
			},
			[]string{"is not renewed: away"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := well()
			tt.change(&h)
			got := h.ask(t)
			contains(t, tt.problems, got.Problems)
			contains(t, tt.unknown, got.Unknown)
			assert.Equal(t, len(tt.problems) == 0, got.Well)
		})
	}
}

// contains checks that all lists have parts of the same number of texts.
func contains(t *testing.T, want, got []string) {
	t.Helper()
	all := strings.Join(got, "\n")
	for _, w := range want {
		assert.Contains(t, all, w)
	}
	if len(want) == 0 {
		assert.Empty(t, got)
	}
}

// TestACertificateThatIsNotRenewed checks when a certificate that only its address
// shows is a problem: before it ends, and not for one with a short life.
func TestACertificateThatIsNotRenewed(t *testing.T) {
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		life, left time.Duration
		problem    bool
	}{
		"90 days, renewed in time":  {90 * day, 20 * day, false},
		"90 days, not renewed":      {90 * day, 6 * day, true},
		"six days, renewed in time": {6 * day, 3 * day, false},
		"six days, not renewed":     {6 * day, 20 * time.Hour, true},
	} {
		s := Status{Time: now}
		s.Add(Reached{Certificate: &machine.Certificate{NotBefore: now.Add(tt.left - tt.life).Unix(), NotAfter: now.Add(tt.left).Unix()}})
		assert.Equal(t, tt.problem, len(s.Problems) == 1, "%s: %v", name, s.Problems)
	}
	s := Status{Time: now, Certificate: &machine.Certificate{}}
	s.Add(Reached{Certificate: &machine.Certificate{NotBefore: now.Add(-89 * day).Unix(), NotAfter: now.Add(day).Unix()}})
	assert.Empty(t, s.Problems, "the machine reports on its own certificate")
}

func TestStatusOfAMachineThatHangsIsBounded(t *testing.T) {
	h := well()
	h.hangs = true
	began := time.Now()
	got := h.ask(t)
	assert.Less(t, time.Since(began), 3*askTimeout)
	contains(t, []string{"does not answer within 3s"}, got.Problems)
	assert.False(t, got.Well)
}

// TestStatusHasNoTerminalEscapes checks that no text of a machine reaches a terminal
// or JSON as an escape sequence.
func TestStatusHasNoTerminalEscapes(t *testing.T) {
	const evil = "\x1b]0;owned\x07\u009b31m\u202eevil\r\n"
	h := well()
	h.status.Phase, h.status.Reason, h.status.Incident = evil, evil, evil
	h.status.Workers[0].Trouble = evil
	h.status.Workers[1].Release = evil
	h.status.Certificate = &machine.Certificate{Names: []string{evil}, Missing: []string{evil}, Issuer: evil, Serial: evil, Error: evil}
	got := h.ask(t)
	content, err := json.Marshal(got)
	require.NoError(t, err)
	for _, bad := range []string{"\\u001b", "\x1b", "\u009b", "\u202e", "\\u0007", "\\r", "\\n"} {
		assert.NotContains(t, string(content), bad)
	}
	assert.Contains(t, string(content), "]0;owned31mevil", "the text stays")
}

func TestEventsOfMachines(t *testing.T) {
	folder := t.TempDir()
	m := Machines{Stack: stack("http://x"), At: []At{{ID: "i-1"}}, Objects: store.Folder(folder)}
	none, err := m.Events(t.Context(), time.Time{})
	require.NoError(t, err, "a machine may have no events")
	assert.Empty(t, none)
	path := filepath.Join(folder, store.MachineKey("i-1", machine.EventsName))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(`[{"time":1,"kind":"reboot"},{"time":100,"kind":"refusal","release":"x","text":"a\u001b[31mb","newer":1}]`), 0o600))
	events, err := m.Events(t.Context(), time.Unix(50, 0))
	require.NoError(t, err)
	require.Len(t, events, 1)
	assert.Equal(t, "a[31mb", events[0].Text)
	assert.Empty(t, events[0].Release)
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("[", answerLimit+1)), 0o600))
	_, err = m.Events(t.Context(), time.Time{})
	require.ErrorContains(t, err, "more than")
	_, err = Machines{Stack: stack(""), NoObjects: ErrNoLogin}.Events(context.Background(), time.Time{})
	require.ErrorIs(t, err, ErrNoLogin)
}
