package ask

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/request"
	"escala/cloudinit/agent/store"
	"escala/infra/operate"
)

// objects is a store in memory.
type objects struct {
	mu     sync.Mutex
	held   map[string][]byte
	puts   int
	denied bool
}

func (o *objects) Get(_ context.Context, key string) (io.ReadCloser, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	content, ok := o.held[key]
	if !ok {
		return nil, store.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

func (o *objects) Create(context.Context, string, []byte) error { return store.ErrDenied }

func (o *objects) Put(_ context.Context, key string, content []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.denied {
		return store.ErrDenied
	}
	o.puts++
	o.held[key] = content
	return nil
}

// world is a machine with the agent's own listener, and its store.
type world struct {
	*objects
	started  time.Time
	all      []request.Line // the machine's log
	queries  []request.Query
	mu       sync.Mutex // of the three below
	restarts []request.Restarting
	done     request.Restarting
	failure  string
	on       bool
}

func (w *world) Logs(_ context.Context, q request.Query, _ int) ([]request.Line, request.Cursor, bool, error) {
	w.queries = append(w.queries, q)
	if q.Source == "nobody" {
		return nil, nil, false, errors.New("\"nobody\" is not one of the machine's logs: \x1b[31mworker-0")
	}
	first := 0
	if q.Cursor != nil {
		_, _ = fmt.Sscan(q.Cursor["at"], &first)
	}
	last := min(first+100, len(w.all))
	return w.all[first:last], request.Cursor{"at": strconv.Itoa(last)}, last < len(w.all), nil
}

func (w *world) Restart(r request.Restarting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.restarts = append(w.restarts, r)
}

func (w *world) Restarted() (request.Restarting, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done, w.failure
}

func (w *world) Maintain(m request.Maintenance) error {
	w.on = m.On
	content := `{"phase":"serving","workers":[],"maintenance":` + strconv.FormatBool(m.On) + `}`
	return w.Put(context.Background(), store.MachineKey("i-1", store.StatusName), []byte(content))
}

func (w *world) Now() time.Time                                   { return time.Now() }
func (w *world) Elapsed() time.Duration                           { return time.Since(w.started) }
func (w *world) Sleep(ctx context.Context, d time.Duration) error { return sleep(ctx, d) }

func (w *world) Read(ctx context.Context, key string, limit int64) ([]byte, error) {
	return store.ReadObject(ctx, w.objects, key, limit)
}

func (w *world) Write(ctx context.Context, name string, content []byte) error {
	return w.Put(ctx, store.MachineKey("i-1", name), content)
}

// inWorld runs a test in a bubble in which a machine answers.
func inWorld(t *testing.T, test func(t *testing.T, w *world, m Machine)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{objects: &objects{held: map[string][]byte{}}, started: time.Now()}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		listener := &request.Listener{
			Operator: KnownKey().Public(), MachineID: "i-1", Objects: w, Answers: w, Machine: w, Clock: w,
			Log: slog.New(slog.DiscardHandler), Interval: 5 * time.Second,
		}
		go listener.Run(ctx)
		test(t, w, Machine{ID: "i-1", Key: KnownKey(), Requests: w.objects, Answers: w.objects})
	})
}

func lines(n int) (all []request.Line) {
	for i := range n {
		all = append(all, request.Line{Source: "worker-0", Time: int64(i + 1), Text: fmt.Sprint("line ", i)})
	}
	return all
}

func TestAllLinesArriveOnceAndInOrder(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, m Machine) {
		w.all = lines(1234)
		n := 0
		began := time.Now()
		require.NoError(t, m.Logs(t.Context(), operate.LogsRequest{Lines: 20, Contains: "x"}, func(line operate.Line) error {
			assert.Equal(t, fmt.Sprint("line ", n), line.Text)
			n++
			return nil
		}))
		assert.Equal(t, 1234, n)
		assert.Equal(t, request.Query{Tail: 20, Contains: "x"}, w.queries[0])
		t.Logf("13 answers in %s", time.Since(began))
		assert.Less(t, time.Since(began), 20*time.Second)
	})
}

func TestFollowingEndsWithItsReader(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, m Machine) {
		w.all = lines(3)
		done := errors.New("that is enough")
		n := 0
		err := m.Logs(t.Context(), operate.LogsRequest{Since: time.Now(), Follow: true}, func(operate.Line) error {
			switch n++; n {
			case 3:
				w.all = lines(5)
			case 5:
				return done
			}
			return nil
		})
		require.ErrorIs(t, err, done)
	})
}

func TestFollowingAQuietMachineAsksRarely(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, m Machine) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		err := m.Logs(ctx, operate.LogsRequest{Follow: true}, func(operate.Line) error { return nil })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		t.Logf("%d writes in an hour", w.puts)
		assert.Less(t, w.puts, 2*3600/5)
	})
}

func TestAnAnswersErrorIsHarmless(t *testing.T) {
	inWorld(t, func(t *testing.T, _ *world, m Machine) {
		err := m.Logs(t.Context(), operate.LogsRequest{Source: "nobody"}, nil)
		require.ErrorContains(t, err, `machine i-1: "nobody" is not one of the machine's logs`)
		assert.NotContains(t, err.Error(), "\x1b")
	})
}

// TestTwoOperatorsAtOnce checks a request of another operator in the place of one
// that the machine has not read.
func TestTwoOperatorsAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, m Machine) {
		var wait sync.WaitGroup
		for range 2 {
			wait.Go(func() {
				assert.NoError(t, m.Logs(t.Context(), operate.LogsRequest{}, func(operate.Line) error { return nil }))
			})
		}
		wait.Wait()
		assert.GreaterOrEqual(t, len(w.queries), 2)
	})
}

func TestAMachineThatDoesNotAnswer(t *testing.T) {
	inWorld(t, func(t *testing.T, _ *world, m Machine) {
		m.ID = "i-2"
		err := m.Logs(t.Context(), operate.LogsRequest{}, nil)
		require.ErrorContains(t, err, "machine i-2 has not answered for 1m0")
	})
}

func TestCredentialsThatOnlyRead(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, m Machine) {
		w.denied = true
		err := m.Restart(t.Context(), func(string) {})
		require.ErrorContains(t, err, "these credentials may not write requests/current in the release store, which asking a machine needs (s3:PutObject)")
	})
}

func TestARestartTakesItsTime(t *testing.T) {
	for _, failure := range []string{"", "worker 1 does not come up with release 0123"} {
		inWorld(t, func(t *testing.T, w *world, m Machine) {
			go func() {
				time.Sleep(4 * time.Minute)
				w.mu.Lock()
				defer w.mu.Unlock()
				w.done, w.failure = w.restarts[0], failure
			}()
			err := m.Restart(t.Context(), func(string) {})
			if failure == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, failure)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, r := range w.restarts {
				assert.Equal(t, w.restarts[0].ID, r.ID)
			}
		})
	}
}

func TestMaintenanceIsTheStacks(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world, m Machine) {
		for _, on := range []bool{true, true, false} {
			require.NoError(t, m.Maintain(t.Context(), operate.Maintenance{On: on}, func(string) {}))
			assert.Equal(t, on, w.on)
		}
		content, err := operate.Read(t.Context(), w.objects, request.MaintenanceKey, 1<<20)
		require.NoError(t, err)
		last, err := KnownKey().Maintenance(content)
		require.NoError(t, err)
		assert.False(t, last.On)
	})
}

func TestAStackWithoutAKey(t *testing.T) {
	_, err := Key(&operate.Stack{Name: "aws-ec2"})
	require.ErrorContains(t, err, "the machine answers no requests yet")
}
