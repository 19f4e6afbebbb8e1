package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
	"escala/service/machine"
)

var (
	one   = service.ReleaseID(strings.Repeat("1", 64))
	two   = service.ReleaseID(strings.Repeat("2", 64))
	start = time.Unix(1_800_000_000, 0)
)

func serving(release service.ReleaseID) machine.Status {
	return machine.Status{Phase: machine.Serving, Wanted: release, Current: release}
}

// kinds formats events as "kind: text".
func kinds(events []machine.Event) []string {
	out := []string{}
	for _, e := range events {
		out = append(out, strings.TrimSuffix(string(e.Kind)+": "+e.Text, ": "))
	}
	return out
}

func TestTakeTellsEachThingOnce(t *testing.T) {
	r := &Record{}
	refused := machine.Status{Phase: machine.Refused, Wanted: two, Current: one, Reason: "it exits at start with status 3"}
	died := serving(one)
	died.Incident = "2026-11-26T03:00:00 exited: api_0 (exit status 1; not expected)"
	issued := serving(one)
	issued.Certificate = &machine.Certificate{Names: []string{"api.example.com"}, Issuer: "R10", Serial: "ab", NotAfter: start.Add(90 * 24 * time.Hour).Unix()}
	renewed := serving(one)
	renewed.Certificate = &machine.Certificate{Names: []string{"api.example.com"}, Issuer: "R10", Serial: "ab", NotAfter: start.Add(90 * 24 * time.Hour).Unix(), Error: "the authority is away"}
	failing := machine.Status{Phase: machine.Failing, Wanted: one, Current: one, Reason: "the disk is full"}
	for i, step := range []struct {
		boot   string
		status machine.Status
		want   []string
	}{
		{"boot-1", serving(one), []string{"release"}},
		{"boot-1", serving(one), []string{}},
		{"boot-1", refused, []string{"refusal: it exits at start with status 3"}},
		{"boot-1", refused, []string{}},
		{"boot-1", serving(one), []string{}},
		{"boot-1", refused, []string{"refusal: it exits at start with status 3"}},
		{"boot-1", serving(two), []string{"release"}},
		{"boot-2", serving(two), []string{"reboot: the machine was started again"}},
		{"boot-2", serving(one), []string{"release"}},
		{"boot-2", died, []string{"incident: " + died.Incident}},
		{"boot-2", died, []string{}},
		{"boot-2", failing, []string{}},
		{"boot-2", failing, []string{"unwell: the disk is full"}},
		{"boot-2", failing, []string{}},
		{"boot-2", serving(one), []string{"well"}},
		{"boot-2", failing, []string{}},
		{"boot-2", serving(one), []string{}},
		{"boot-2", issued, []string{"certificate: issued by R10 for api.example.com, valid until 2027-04-15"}},
		{"boot-2", renewed, []string{"certificate: the authority is away"}},
		{"boot-2", renewed, []string{}},
	} {
		now := start.Add(time.Duration(i) * 2 * time.Minute)
		assert.Equal(t, step.want, kinds(r.Update(now, step.boot, step.status)), "step %d", i)
	}
}

// TestTakeIsBoundedByARowOfIncidents checks that a worker that ends every two
// seconds makes at most 30 events in a day.
func TestTakeIsBoundedByARowOfIncidents(t *testing.T) {
	r := &Record{}
	now, told := start, 0
	last := ""
	for i := range 24 * 1800 {
		s := serving(one)
		s.Incident = fmt.Sprintf("incident %d", i)
		for _, e := range r.Update(now, "boot", s) {
			if e.Kind == machine.EventIncident {
				told, last = told+1, e.Text
			}
		}
		now = now.Add(2 * time.Second)
	}
	assert.LessOrEqual(t, told, 30)
	assert.GreaterOrEqual(t, told, 20)
	assert.NotEqual(t, "incident 0", last)
	assert.LessOrEqual(t, len(r.Events), machine.MaxEvents)
	// After a quiet time, the next one is reported at once.
	s := serving(one)
	s.Incident = "the next day"
	assert.Equal(t, []string{"incident: the next day; 1709 others since the last one that was told"}, kinds(r.Update(now.Add(24*time.Hour), "boot", s)))
}

// TestALoopOfIncidentsIsCounted checks that each event of a loop says how many
// others there were.
func TestALoopOfIncidentsIsCounted(t *testing.T) {
	r := &Record{}
	var told []string
	for second := range 500 {
		s := serving(one)
		if second < 200 {
			s.Incident = fmt.Sprintf("incident %d", second/2)
		} else {
			s.Incident = "incident 99"
		}
		for _, e := range r.Update(start.Add(time.Duration(second)*time.Second), "boot", s) {
			if e.Kind == machine.EventIncident {
				told = append(told, e.Text)
			}
		}
	}
	assert.Equal(t, []string{
		"incident 0",
		"incident 30; 29 others since the last one that was told",
		"incident 90; 59 others since the last one that was told",
		"incident 99; 8 others since the last one that was told",
	}, told)
}

func TestTakeKeepsTheLastEvents(t *testing.T) {
	r := &Record{}
	for i := range 3 * machine.MaxEvents {
		r.Update(start.Add(time.Duration(i)*time.Second), "boot", serving([]service.ReleaseID{one, two}[i%2]))
	}
	require.Len(t, r.Events, machine.MaxEvents)
	assert.Equal(t, start.Add(299*time.Second).Unix(), r.Events[machine.MaxEvents-1].Time)
}

// memory is a store and a disk.
type memory struct {
	objects, files map[string][]byte
	away           bool
	writes         int
}

func (m *memory) Write(_ context.Context, name string, content []byte) error {
	if m.away {
		return errors.New("away")
	}
	m.writes++
	m.objects[name] = content
	return nil
}

type files struct{ *memory }

func (f files) Read(name string) ([]byte, error) {
	content, ok := f.files[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return content, nil
}

func (f files) Write(name string, content []byte) error {
	f.files[name] = content
	return nil
}

type hook struct {
	sent []machine.Event
	err  error
}

func (h *hook) Send(_ context.Context, e machine.Event) error {
	h.sent = append(h.sent, e)
	return h.err
}

func reporter(m *memory, h *hook) *Reporter {
	return New(Reporter{
		Store: m, Disk: files{m}, Details: func(context.Context) machine.Details { return machine.Details{Machine: "i-1"} },
		Every: time.Minute, Silent: silentFor, Webhook: h, Now: time.Now, Log: slog.New(slog.DiscardHandler), Boot: "boot",
	})
}

func events(t *testing.T, m *memory) []string {
	t.Helper()
	var all []machine.Event
	require.NoError(t, json.Unmarshal(m.objects[machine.EventsName], &all))
	return kinds(all)
}

func TestReporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		m, h := &memory{objects: map[string][]byte{}, files: map[string][]byte{}}, &hook{}
		r := reporter(m, h)
		go r.Run(ctx)
		observe := func(s machine.Status) {
			r.Observe(s)
			synctest.Wait()
			time.Sleep(2 * time.Second)
		}
		observe(serving(one))
		assert.Equal(t, []string{"release"}, events(t, m))
		assert.Len(t, h.sent, 1)
		before := m.writes
		for range 29 {
			observe(serving(one))
		}
		assert.Equal(t, before, m.writes, "nothing is written while nothing happens")
		observe(serving(one))
		assert.Equal(t, before+1, m.writes, "the details, after a minute")

		// The store cannot be reached. It gets the event once it can.
		m.away = true
		observe(serving(two))
		assert.Equal(t, []string{"release"}, events(t, m))
		m.away = false
		for range 31 {
			observe(serving(two))
		}
		assert.Equal(t, []string{"release", "release"}, events(t, m))
		assert.Len(t, h.sent, 2)
		cancel()
		synctest.Wait()

		// Another agent reports nothing again.
		h.err = errors.New("500")
		ctx, cancel = context.WithCancel(t.Context())
		r = reporter(m, h)
		go r.Run(ctx)
		observe(serving(two))
		assert.Len(t, h.sent, 2)
		// A webhook that refuses gets each event once.
		observe(serving(one))
		observe(serving(one))
		assert.Len(t, h.sent, 3)
		cancel()
		synctest.Wait()
	})
}

// slowHook is a webhook that hangs until its sender gives up.
type slowHook struct{ sent []machine.Event }

func (h *slowHook) Send(ctx context.Context, e machine.Event) error {
	select {
	case <-ctx.Done():
	case <-time.After(7 * time.Second):
	}
	h.sent = append(h.sent, e)
	return errors.New("the webhook does not answer")
}

// TestAWebhookThatHangsHoldsNothingUp checks that the store has each event although
// the webhook hangs for every one of them, and that the agent does not wait.
func TestAWebhookThatHangsHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		m, h := &memory{objects: map[string][]byte{}, files: map[string][]byte{}}, &slowHook{}
		r := reporter(m, nil)
		r.Webhook = h
		go r.Run(ctx)
		for i := range 20 {
			began := time.Now()
			r.Observe(serving([]service.ReleaseID{one, two}[i/10]))
			assert.Zero(t, time.Since(began))
			time.Sleep(2 * time.Second)
		}
		synctest.Wait()
		assert.Equal(t, []string{"release", "release"}, events(t, m))
		assert.Len(t, h.sent, 2)
		cancel()
		synctest.Wait()
	})
}

// TestObserveDoesNotWait checks that the agent's rounds continue while the reporter
// is busy.
func TestObserveDoesNotWait(t *testing.T) {
	m := &memory{objects: map[string][]byte{}, files: map[string][]byte{}}
	r := reporter(m, &hook{})
	for range 1000 {
		r.Observe(serving(one)) // nobody takes them
	}
	assert.Len(t, r.statuses, 1)
}

func TestADamagedRecordIsReplaced(t *testing.T) {
	m := &memory{objects: map[string][]byte{}, files: map[string][]byte{recordFile: []byte("{")}}
	r := reporter(m, &hook{})
	r.load()
	r.handleStatus(t.Context(), serving(one))
	assert.Equal(t, []string{"release"}, events(t, m))
}

// TestTheEndOfACertificateIsTold checks that a certificate that nothing renews is
// reported again and again until its end, and not more often than that.
func TestTheEndOfACertificateIsTold(t *testing.T) {
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		lifetime time.Duration
		broken   string
		// left is the time that is left at each event.
		left []time.Duration
	}{
		"90 days":       {90 * day, "the authority is away", []time.Duration{14 * day, 7 * day, 84 * time.Hour, 42 * time.Hour, 21 * time.Hour, 10 * time.Hour, 0}},
		"six days":      {6 * day, "the authority is away", []time.Duration{day, 12 * time.Hour, 6 * time.Hour, 0}},
		"one's own one": {365 * day, "", []time.Duration{14 * day, 7 * day, 84 * time.Hour, 42 * time.Hour, 21 * time.Hour, 10 * time.Hour, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Record{}
			end := start.Add(tt.lifetime)
			s := serving(one)
			s.Certificate = &machine.Certificate{Names: []string{"api.example.com"}, Issuer: "R10", Serial: "ab", NotBefore: start.Unix(), NotAfter: end.Unix(), Error: tt.broken}
			var left []time.Duration
			for now := start; now.Before(end.Add(10 * day)); now = now.Add(time.Hour) {
				for _, e := range r.Update(now, "boot", s) {
					if e.Kind == machine.EventCertificate && strings.Contains(e.Text, " end") {
						left = append(left, max(0, end.Sub(now)))
						assert.Equal(t, tt.broken != "", strings.HasSuffix(e.Text, ", and is not renewed: the authority is away"), e.Text)
					}
				}
			}
			assert.Equal(t, tt.left, left)
			renewed := serving(one)
			renewed.Certificate = &machine.Certificate{Names: []string{"api.example.com"}, Serial: "ac", NotBefore: end.Unix(), NotAfter: end.Add(11*day + tt.lifetime).Unix()}
			r.Update(end.Add(11*day), "boot", renewed)
			assert.Zero(t, r.CertificateLeft)
		})
	}
}

const silentFor = 10 * time.Minute

// TestAnAgentThatHangsIsTold checks that an agent that hangs is reported once, and
// that its recovery is too.
func TestAnAgentThatHangsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		m, h := &memory{objects: map[string][]byte{}, files: map[string][]byte{}}, &hook{}
		r := reporter(m, h)
		go r.Run(ctx)
		r.Observe(serving(one))
		time.Sleep(silentFor - time.Second)
		r.Observe(serving(one))
		time.Sleep(3 * silentFor)
		r.Observe(serving(one))
		synctest.Wait()
		assert.Equal(t, []string{"release", "unwell: the agent has not looked at the machine for 10m0s", "well"}, events(t, m))
		assert.Equal(t, []string{"release", "unwell: the agent has not looked at the machine for 10m0s", "well"}, kinds(h.sent))
		cancel()
		synctest.Wait()
	})
}

// TestABakeIsToldByItsOutcome checks that a watched release is reported once it has
// passed, and that one that is taken back is reported as refused.
func TestABakeIsToldByItsOutcome(t *testing.T) {
	r := &Record{}
	in := func(phase machine.Phase, current service.ReleaseID, reason string) machine.Status {
		return machine.Status{Phase: phase, Wanted: two, Current: current, Reason: reason}
	}
	const why = "release 222222222222 is taken back: 5.1% of its answers in 41s had a status of 500 or above; the limit is 1%, and of those before it were 0%"
	told := func(all ...machine.Status) []string {
		var out []string
		for i, s := range all {
			out = append(out, kinds(r.Update(start.Add(time.Duration(i)*time.Minute), "boot", s))...)
		}
		return out
	}
	assert.Equal(t, []string{"release"}, told(serving(one)))
	assert.Equal(t, []string{"refusal: " + why}, told(
		in(machine.Rolling, two, "rolling"), in(machine.Baking, two, "watched"), in(machine.Baking, two, "watched"),
		in(machine.Rolling, one, why), in(machine.Refused, one, why), in(machine.Refused, one, why)))
	assert.Equal(t, []string{"release"}, told(in(machine.Rolling, two, "rolling"), in(machine.Baking, two, "watched"), serving(two)))
}
