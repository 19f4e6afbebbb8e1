package pm2

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/bench/closedloop"
	"escala/infra/testing/bench/proctree"
)

// The tests measure two tiny servers with a known difference. Each server is
// this test's own program, started again.
const serverEnv = "TUTORIAL_TEST_SERVER"

func TestMain(m *testing.M) {
	if kind := os.Getenv(serverEnv); kind != "" {
		fmt.Fprintln(os.Stderr, serve(kind, os.Getenv("PORT")))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// ballast is the memory that the large server holds.
var ballast []byte

func serve(kind, port string) error {
	if kind == "large" {
		ballast = make([]byte, 48<<20)
		for i := range ballast {
			ballast[i] = byte(i)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		if kind == "large" {
			for began := time.Now(); time.Since(began) < time.Millisecond; {
			}
		}
		_, _ = io.WriteString(w, closedloop.Greeting)
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		if kind == "failing" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = io.Copy(w, r.Body)
	})
	mux.HandleFunc("GET /slow", func(_ http.ResponseWriter, r *http.Request) {
		ms, _ := strconv.Atoi(r.URL.Query().Get("ms"))
		time.Sleep(time.Duration(ms) * time.Millisecond)
	})
	return (&http.Server{Addr: "127.0.0.1:" + port, Handler: mux, ReadHeaderTimeout: 10 * time.Second}).ListenAndServe()
}

// tiny is a stack of one worker and a shell that restarts it.
type tiny struct {
	kind   string
	port   int
	daemon *daemon
}

func startTiny(t *testing.T, kind string) *tiny {
	t.Helper()
	s := &tiny{kind: kind}
	require.NoError(t, s.start(t.Context()))
	t.Cleanup(s.stop)
	return s
}

func (s *tiny) name() string { return s.kind }

func (s *tiny) start(ctx context.Context) (err error) {
	if s.port, err = freePorts(ctx, 1); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "sh", "-c", `while :; do "$0" || :; done`, self)
	cmd.Env = append(os.Environ(), serverEnv+"="+s.kind, "PORT="+strconv.Itoa(s.port), "GOMAXPROCS=1")
	if s.daemon, err = launch(cmd); err != nil {
		return err
	}
	return answers(ctx, s.at(), 20*time.Second, time.Millisecond)
}

func (s *tiny) stop()                        { s.daemon.end(9, time.Second) }
func (s *tiny) at() string                   { return local(s.port) }
func (s *tiny) direct() []string             { return []string{s.at()} }
func (s *tiny) proxied() []string            { return nil }
func (s *tiny) roots() []int                 { return []int{s.daemon.pid()} }
func (s *tiny) manager() int                 { return s.daemon.pid() }
func (s *tiny) reload(context.Context) error { return nil }

func TestALargerAndSlowerServerShows(t *testing.T) {
	small, large := startTiny(t, "small"), startTiny(t, "large")
	figures := map[string]round{}
	for range 2 {
		for _, s := range []*tiny{small, large} {
			r, err := saturate(t.Context(), s.direct(), 4, 500*time.Millisecond, s.roots())
			require.NoError(t, err)
			figures[s.kind] = r
		}
	}
	// The large server computes for 1 ms of wall-clock time per request. On a
	// busy computer this is less processor time, but never as little as the
	// small server's.
	assert.Greater(t, figures["large"].cpu, 3*figures["small"].cpu)
	assert.Greater(t, figures["small"].PerSecond, figures["large"].PerSecond)
	assert.GreaterOrEqual(t, figures["large"].P99, time.Millisecond)
	one, err := proctree.PSS(small.roots()...)
	require.NoError(t, err)
	other, err := proctree.PSS(large.roots()...)
	require.NoError(t, err)
	if raceDetector { // the race detector keeps a shadow of all memory
		assert.Greater(t, other-one, int64(48<<20), "the ballast")
		return
	}
	assert.InDelta(t, 48<<20, other-one, 12<<20, "the ballast")
}

// TestConnectionsAreSpreadOverTheAddresses checks that workers with one address
// each get the same number of connections.
func TestConnectionsAreSpreadOverTheAddresses(t *testing.T) {
	t.Parallel()
	var opened [3]atomic.Int64
	var addresses []string
	for n := range opened {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, closedloop.Greeting) }))
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				opened[n].Add(1)
			}
		}
		s.Start()
		t.Cleanup(s.Close)
		addresses = append(addresses, s.Listener.Addr().String())
	}
	r, err := saturate(t.Context(), addresses, 6, 200*time.Millisecond, []int{os.Getpid()})
	require.NoError(t, err)
	assert.NotZero(t, r.Requests)
	for n := range opened {
		assert.EqualValues(t, 2, opened[n].Load())
	}
}

func TestFailuresAreSeen(t *testing.T) {
	t.Parallel()
	good, bad := startTiny(t, "small"), startTiny(t, "failing")
	nothing := func(context.Context) error { return nil }
	f, err := underLoad(t.Context(), good.at(), 60, 2, 300*time.Millisecond, nothing)
	require.NoError(t, err)
	assert.Zero(t, f.Failed, f.how())
	assert.Len(t, f.Seconds, 2)
	assert.NotZero(t, f.SlowRequests)

	f, err = underLoad(t.Context(), bad.at(), 60, 2, 300*time.Millisecond, nothing)
	require.NoError(t, err)
	assert.NotZero(t, f.Posts)
	assert.Equal(t, f.Posts, f.PostFailed)
	assert.Equal(t, f.Posts, f.Failed)
	assert.Equal(t, fmt.Sprintf("status 502: %d", f.Posts), f.how())
}

func TestAKilledWorkerShowsAndComesBack(t *testing.T) {
	t.Parallel()
	s := startTiny(t, "small")
	before, err := workersOf(s)
	require.NoError(t, err)
	require.Len(t, before, 1)
	f, err := underLoad(t.Context(), s.at(), 200, 2, 300*time.Millisecond, func(ctx context.Context) error { return killWorker(ctx, s) })
	require.NoError(t, err)
	assert.NotZero(t, f.Failed, "nothing listens until the worker is back")
	after, err := workersOf(s)
	require.NoError(t, err)
	assert.True(t, disjoint(before, after))
	require.NoError(t, answers(t.Context(), s.at(), 20*time.Second, time.Millisecond))
}

func TestWhatIsDoneMayFail(t *testing.T) {
	t.Parallel()
	s := startTiny(t, "small")
	_, err := underLoad(t.Context(), s.at(), 20, 1, 10*time.Millisecond, func(context.Context) error { return os.ErrDeadlineExceeded })
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
}

func TestOptionsAreCheckedWhole(t *testing.T) {
	t.Parallel()
	require.NoError(t, NewOptions().Validate())
	err := Options{Pause: -1, Rest: -1, Machines: -1}.Validate()
	for _, path := range []string{"workers", "starts", "rounds", "round", "connections", "rate", "times", "rest", "calm", "machines"} {
		assert.ErrorContains(t, err, path)
	}
}

// TestTutorialsNginxIsTaken checks that Nginx accepts the tutorial's configuration,
// with each of the tutorial's patterns.
func TestTutorialsNginxIsTaken(t *testing.T) {
	t.Parallel()
	_, err := exec.LookPath("nginx")
	require.NoError(t, err, "apt-get install nginx")
	base, err := freePorts(t.Context(), 4)
	require.NoError(t, err)
	for _, p := range []pattern{patternA, patternB} {
		conf := tutorialNginx(p, base+3, inRow(base, 3))
		assert.Contains(t, conf, `proxy_set_header Connection "upgrade";`)
		servers := map[pattern]int{patternA: 0, patternB: 3}
		assert.Equal(t, servers[p], strings.Count(conf, "max_fails=3 fail_timeout=30s;"))
		n, err := startNginx(t.Context(), filepath.Join(t.TempDir(), string(p)), conf)
		require.NoError(t, err)
		n.stop()
	}
}

func TestLockFileNamesNoRegistry(t *testing.T) {
	t.Parallel()
	lock, err := sources.ReadFile("app/package-lock.json")
	require.NoError(t, err)
	assert.NotContains(t, string(lock), `"resolved"`)
	assert.Contains(t, string(lock), `"integrity"`)
}

func TestTheirUserDataIsValid(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"cloud-init", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("needs " + program)
		}
	}
	data, err := tutorialUserData(t.Context(), 4)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "user-data")
	require.NoError(t, os.WriteFile(file, data, 0o600))
	said, err := exec.CommandContext(t.Context(), "cloud-init", "schema", "--config-file", file).CombinedOutput()
	require.NoError(t, err, "%s", said)
}
