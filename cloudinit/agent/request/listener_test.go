package request

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/store"
)

// world is a store, a machine and a clock.
type world struct {
	objects  map[string][]byte
	down     error
	reads    int
	answers  map[string][]byte
	writes   int
	queries  []Query
	lines    []Line
	restarts []Restarting
	done     Restarting
	failure  string
	wishes   []Maintenance
	now      time.Time
	elapsed  time.Duration
}

func (w *world) Read(_ context.Context, key string, limit int64) ([]byte, error) {
	w.reads++
	if w.down != nil {
		return nil, w.down
	}
	object, ok := w.objects[key]
	if !ok {
		return nil, store.ErrNotFound
	}
	if int64(len(object)) > limit {
		return nil, store.ErrCorrupt
	}
	return object, nil
}

func (w *world) Write(_ context.Context, name string, content []byte) error {
	w.writes++
	if w.down != nil {
		return w.down
	}
	w.answers[name] = content
	return nil
}

func (w *world) Logs(_ context.Context, q Query, _ int) ([]Line, Cursor, bool, error) {
	w.queries = append(w.queries, q)
	return w.lines, Cursor{"worker-0.log": "1:2"}, true, nil
}
func (w *world) Restart(r Restarting)                       { w.restarts = append(w.restarts, r) }
func (w *world) Restarted() (Restarting, string)            { return w.done, w.failure }
func (w *world) Maintain(m Maintenance) error               { w.wishes = append(w.wishes, m); return nil }
func (w *world) Now() time.Time                             { return w.now }
func (w *world) Elapsed() time.Duration                     { return w.elapsed }
func (w *world) Sleep(context.Context, time.Duration) error { return nil }

func (w *world) pass(d time.Duration) { w.now, w.elapsed = w.now.Add(d), w.elapsed+d }

func testKey(t *testing.T, digit string) Key {
	t.Helper()
	key, err := ParseKey(strings.Repeat(digit, 64))
	require.NoError(t, err)
	return key
}

func newListener(t *testing.T) (*world, *Listener, Key) {
	t.Helper()
	w := &world{objects: map[string][]byte{}, answers: map[string][]byte{}, now: time.Unix(1_700_000_000, 0)}
	key := testKey(t, "a")
	return w, w.listener(key), key
}

// listener is an agent that has just started.
func (w *world) listener(key Key) *Listener {
	return &Listener{
		Operator: key.Public(), MachineID: "i-1", Objects: w, Answers: w, Machine: w, Clock: w,
		Log: slog.New(slog.DiscardHandler), Interval: 5 * time.Second,
	}
}

// poll lets the listener read both objects.
func poll(t *testing.T, l *Listener) {
	for range 2 {
		l.Poll(t.Context())
	}
}

func ask(t *testing.T, w *world, key Key, kind Kind, machine string) Pending {
	t.Helper()
	asked, err := New(machine, kind, w.now, key.Time(w.objects[CurrentKey]))
	require.NoError(t, err)
	if kind == Logs {
		asked.Logs = &Query{Source: "worker-0", Contains: "x"}
	}
	put(t, w, key, asked.Request)
	return asked
}

func put(t *testing.T, w *world, key Key, r Request) {
	t.Helper()
	object, err := key.Sign(r)
	require.NoError(t, err)
	w.objects[CurrentKey] = object
}

func TestLogsAreAnsweredOnceAndOnlyForTheOperator(t *testing.T) {
	w, l, key := newListener(t)
	w.lines = []Line{{Source: "worker-0", Time: 5, Text: "a secret \x1b[31m line"}}
	asked := ask(t, w, key, Logs, "i-1")
	poll(t, l)
	object := w.answers["answer-logs"]
	require.NotNil(t, object)
	assert.NotContains(t, string(object), "secret")
	answer, err := asked.Open(object)
	require.NoError(t, err)
	assert.Equal(t, Answer{Lines: w.lines, Cursor: Cursor{"worker-0.log": "1:2"}, More: true}, answer)
	assert.Equal(t, []Query{{Source: "worker-0", Contains: "x"}}, w.queries)

	another, err := New("i-1", Logs, w.now, 0)
	require.NoError(t, err)
	_, err = another.Open(object)
	require.ErrorIs(t, err, ErrOther)

	for range 20 {
		w.pass(time.Second)
		l.Poll(t.Context())
	}
	assert.Len(t, w.queries, 1, "the same object is answered once")
}

func TestRequestsThatAreNotAnswered(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, w *world, key Key){
		"another key":     func(t *testing.T, w *world, _ Key) { ask(t, w, testKey(t, "b"), Restart, "i-1") },
		"another machine": func(t *testing.T, w *world, key Key) { ask(t, w, key, Restart, "i-2") },
		"a changed payload": func(t *testing.T, w *world, key Key) {
			ask(t, w, key, Restart, "i-2")
			var e envelope
			require.NoError(t, json.Unmarshal(w.objects[CurrentKey], &e))
			e.Payload = []byte(strings.Replace(string(e.Payload), "i-2", "i-1", 1))
			object, err := json.Marshal(e)
			require.NoError(t, err)
			w.objects[CurrentKey] = object
		},
		"a maintenance in its place": func(t *testing.T, w *world, key Key) {
			object, err := key.sign(forMaintenance, Request{ID: "x", Machine: "i-1", Kind: Restart, At: w.now.UnixMilli()})
			require.NoError(t, err)
			w.objects[CurrentKey] = object
		},
		"no object at all": func(_ *testing.T, w *world, _ Key) { w.objects[CurrentKey] = []byte("{") },
		"too large":        func(_ *testing.T, w *world, _ Key) { w.objects[CurrentKey] = make([]byte, maxRequest+1) },
		"kept and put back a day later": func(t *testing.T, w *world, key Key) {
			ask(t, w, key, Restart, "i-1")
			w.pass(24 * time.Hour)
		},
		"the store is away": func(t *testing.T, w *world, key Key) {
			ask(t, w, key, Restart, "i-1")
			w.down = store.ErrUnreachable
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, l, key := newListener(t)
			spoil(t, w, key)
			poll(t, l)
			assert.Empty(t, w.restarts)
			assert.Empty(t, w.answers)
		})
	}
}

func TestARequestThatIsNotFreshIsToldSo(t *testing.T) {
	for name, ahead := range map[string]time.Duration{
		"expired":                       Valid + Skew + time.Second,
		"the operator's clock is ahead": -Skew - time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			w, l, key := newListener(t)
			asked := ask(t, w, key, Restart, "i-1")
			w.pass(ahead)
			w.elapsed = 0
			poll(t, l)
			assert.Empty(t, w.restarts)
			answer, err := asked.Open(w.answers["answer-restart"])
			require.NoError(t, err)
			assert.Contains(t, answer.Error, "the machine's clock is at")
		})
	}
}

func TestARestartIsAnsweredWhenItHasEnded(t *testing.T) {
	w, l, key := newListener(t)
	asked := ask(t, w, key, Restart, "i-1")
	poll(t, l)
	require.NotEmpty(t, w.restarts)
	assert.Equal(t, asked.ID, w.restarts[0].ID)
	assert.Empty(t, w.answers)

	// The answer comes although the agent and the request in the store are others.
	ask(t, w, key, Logs, "i-1")
	w.done, w.failure = w.restarts[0], "worker 1 does not come up"
	l = w.listener(key)
	poll(t, l)
	answer, err := asked.Open(w.answers["answer-restart"])
	require.NoError(t, err)
	assert.Equal(t, "worker 1 does not come up", answer.Error)
	writes := w.writes
	poll(t, l)
	assert.Equal(t, writes, w.writes, "it is written once")

	// The request that was carried out has no effect if it is put back.
	n := len(w.restarts)
	put(t, w, key, asked.Request)
	poll(t, l)
	assert.Len(t, w.restarts, n)
}

// TestARestartOfTheAgentsOwnIsNotAnswered checks that such a restart has no answer:
// no operator waits for one, and there is no key for it.
func TestARestartOfTheAgentsOwnIsNotAnswered(t *testing.T) {
	w, l, _ := newListener(t)
	w.done = Restarting{ID: "address-1", At: 1}
	poll(t, l)
	assert.Empty(t, w.answers)
}

func TestMaintenanceFollowsTheStack(t *testing.T) {
	w, l, key := newListener(t)
	on, err := NewMaintenance(true, []byte("<p>later</p>"), w.now, Maintenance{})
	require.NoError(t, err)
	first, err := key.SignMaintenance(on)
	require.NoError(t, err)
	w.objects[MaintenanceKey] = first
	l.Poll(t.Context())
	require.Equal(t, []Maintenance{on}, w.wishes, "the first look reads it")

	// A second change in the same millisecond, by a clock that stands still.
	off, err := NewMaintenance(false, nil, w.now, on)
	require.NoError(t, err)
	w.objects[MaintenanceKey], err = key.SignMaintenance(off)
	require.NoError(t, err)
	poll(t, l)
	require.Equal(t, []Maintenance{on, off}, w.wishes)

	w.objects[MaintenanceKey] = first
	poll(t, l)
	assert.Len(t, w.wishes, 2, "an older wish has no effect")
	w.objects[MaintenanceKey], err = testKey(t, "b").SignMaintenance(Maintenance{On: true, At: off.At + 5})
	require.NoError(t, err)
	poll(t, l)
	assert.Len(t, w.wishes, 2)

	_, err = NewMaintenance(true, make([]byte, MaxPage+1), w.now, off)
	require.ErrorContains(t, err, "65536 is the most")
	full, err := NewMaintenance(true, make([]byte, MaxPage), w.now, off)
	require.NoError(t, err)
	object, err := key.SignMaintenance(full)
	require.NoError(t, err)
	assert.Less(t, len(object), maxMaintenance)
}

func TestAListenerAtRestReadsOneObjectAtATime(t *testing.T) {
	w, l, key := newListener(t)
	l.Poll(t.Context())
	w.reads = 0
	for range 100 {
		w.pass(l.Interval)
		l.Poll(t.Context())
	}
	assert.Equal(t, 100, w.reads)
	ask(t, w, key, Logs, "i-1")
	poll(t, l)
	assert.Len(t, w.answers, 1)
}

func TestAnAnswerIsBounded(t *testing.T) {
	w, l, key := newListener(t)
	w.lines = []Line{{Text: randomText(3 << 20)}}
	asked := ask(t, w, key, Logs, "i-1")
	poll(t, l)
	object := w.answers["answer-logs"]
	assert.Less(t, len(object), MaxAnswer)
	answer, err := asked.Open(object)
	require.NoError(t, err)
	assert.Contains(t, answer.Error, "ask for fewer lines")
}

// randomText hardly compresses.
func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

func TestAWriteThatFailsIsTriedAgain(t *testing.T) {
	w, l, key := newListener(t)
	asked := ask(t, w, key, Logs, "i-1")
	broken := &failing{world: w}
	l.Answers = broken
	poll(t, l)
	assert.Empty(t, w.answers)
	broken.well = true
	poll(t, l)
	_, err := asked.Open(w.answers["answer-logs"])
	require.NoError(t, err)
}

type failing struct {
	*world
	well bool
}

func (f *failing) Write(ctx context.Context, name string, content []byte) error {
	if !f.well {
		return errors.New("no")
	}
	return f.world.Write(ctx, name, content)
}

func TestAKeyIsNotPrinted(t *testing.T) {
	_, err := ParseKey("abc")
	require.ErrorContains(t, err, "is not 32 bytes")
	assert.NotContains(t, err.Error(), "abc")
	assert.Equal(t, "operator key", testKey(t, "a").String())
}
