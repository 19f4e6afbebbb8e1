package cloudinit

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/host"
	"escala/service"
	"escala/service/machine"
)

// pythonServer is a program that does not drain: SIGTERM ends it at once. It answers
// with a file of its release.
const pythonServer = `import http.server, os, time
text = open("name.txt", "rb").read()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/slow": time.sleep(0.5)
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    do_GET = do_POST = answer
    def log_message(self, *a): pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
Server((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
`

// archived puts a release of several files into the store.
func (b *bench) archived(t *testing.T, files map[string]string) service.Release {
	t.Helper()
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for _, name := range []string{"app.py", "name.txt"} {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg}))
		_, err := io.WriteString(w, files[name])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	sum := sha256.Sum256(packed.Bytes())
	r := service.Release{ID: service.ReleaseID(hex.EncodeToString(sum[:])), Size: int64(packed.Len())}
	require.NoError(t, os.WriteFile(filepath.Join(b.store, r.Key()), packed.Bytes(), 0o644))
	return r
}

// python is a release of pythonServer that answers with a name.
func (b *bench) python(t *testing.T, name string) service.Release {
	t.Helper()
	return b.archived(t, map[string]string{"app.py": pythonServer, "name.txt": name})
}

// ports hands out the ports of this process's tests, which run at the same time.
// They are below those that Linux gives to clients.
var ports = struct {
	sync.Mutex
	next int
}{next: 20_000 + os.Getpid()%5_000}

// firstOfFree returns the first of n ports that are free now, and that no other test
// gets.
func firstOfFree(t testing.TB, n int) int {
	t.Helper()
	ports.Lock()
	defer ports.Unlock()
	for {
		base := ports.next
		ports.next += n
		var open []net.Listener
		for i := range n {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", base+i))
			if err != nil {
				break
			}
			open = append(open, l)
		}
		for _, l := range open {
			require.NoError(t, l.Close())
		}
		if len(open) == n {
			return base
		}
	}
}

// newPythonBench returns a bench for Python programs, with the real Nginx in
// front.
func newPythonBench(t *testing.T) (b *bench, address string) {
	t.Helper()
	tool(t, "python3", "python3")
	tool(t, "nginx", "nginx")
	b = newBench(t, func(s *service.Spec) {
		s.Runtime, s.Folder, s.Command = service.RuntimeNone, "app", []string{"python3", "app.py"}
		s.Workers.Mode, s.ReadyPath, s.Workers.PortsBase = "", "", firstOfFree(t, 4)
		s.FillDefaults()
	})
	require.NoError(t, os.MkdirAll(b.root+host.UpstreamsRun, 0o700))
	m := NewMachine(b.spec)
	m.Root = b.root
	address, _ = runNginx(t, m)
	return b, address
}

// served asserts that the machine's workers run the release and that it answers
// through Nginx.
func (b *bench) served(t *testing.T, address string, r service.Release, name string) {
	t.Helper()
	s := b.runOnce(t)
	require.Equal(t, machine.Serving, s.Phase, s.Reason)
	for _, w := range s.Workers {
		assert.Equal(t, machine.Worker{Worker: w.Worker, Release: r.ID, Ready: true}, w)
	}
	resp, err := http.Get("http://" + address + "/")
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, name, string(text))
	assert.Equal(t, string(r.ID), resp.Header.Get("X-Release"))
}

// posts sends requests through Nginx, slow ones among them, over reused and new
// connections. stop returns their number, and the failures.
func posts(t *testing.T, address string) (stop func() (sent int64, lost []string)) {
	t.Helper()
	end, failures := make(chan struct{}), make(chan string, 1000)
	var asked atomic.Int64
	var clients sync.WaitGroup
	for n := range 4 {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: n%2 == 0, MaxIdleConnsPerHost: 1}, Timeout: time.Minute}
		clients.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-end:
					return
				default:
				}
				path := "/"
				if i%20 == n {
					path = "/slow"
				}
				asked.Add(1)
				resp, err := client.Post("http://"+address+path, "text/plain", strings.NewReader("body"))
				if err != nil {
					failures <- err.Error()
					continue
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
					failures <- fmt.Sprint(resp.Status, " ", err)
				}
				resp.Body.Close()
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	return func() (int64, []string) {
		close(end)
		clients.Wait()
		close(failures)
		var lost []string
		for one := range failures {
			lost = append(lost, one)
		}
		return asked.Load(), lost
	}
}

// TestReleasesOfAnyProgramLoseNoRequest checks that releases of a program that dies
// at once on SIGTERM lose no request, slow ones and POSTs among them.
func TestReleasesOfAnyProgramLoseNoRequest(t *testing.T) {
	t.Parallel()
	b, address := newPythonBench(t)
	one := b.python(t, "one")
	b.point(t, one.Pointer())
	b.served(t, address, one, "one")
	stop := posts(t, address)
	for _, name := range []string{"two", "three", "four"} {
		r := b.python(t, name)
		b.point(t, r.Pointer())
		b.served(t, address, r, name)
	}
	b.point(t, one.Pointer())
	b.served(t, address, one, "one")
	sent, lost := stop()
	assert.Empty(t, lost)
	t.Logf("%d requests in four releases", sent)
}

// TestWorkersOfAnyProgramOutliveTheirSupervisor checks that the workers of a killed
// supervisord keep serving until the next one's have taken over, although only their
// notes record what they run.
func TestWorkersOfAnyProgramOutliveTheirSupervisor(t *testing.T) {
	t.Parallel()
	b, address := newPythonBench(t)
	one := b.python(t, "one")
	b.point(t, one.Pointer())
	b.served(t, address, one, "one")
	stop := posts(t, address)
	for range 2 {
		b.kill(t)
		s := b.runOnce(t)
		assert.Equal(t, machine.Failing, s.Phase)
		assert.Contains(t, s.Reason, "no worker can be started: supervisord: it does not answer")
		b.supervise(t)
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			assert.Equal(c, machine.Serving, b.runOnce(t).Phase)
		}, time.Minute, 100*time.Millisecond)
		b.served(t, address, one, "one")
	}
	sent, lost := stop()
	assert.Empty(t, lost)
	t.Logf("%d requests while two supervisors died", sent)
}

// TestABadReleaseOfAnyProgramIsRefused checks that a bad release of such a program
// is refused with its reason, and that the release before still serves.
func TestABadReleaseOfAnyProgramIsRefused(t *testing.T) {
	t.Parallel()
	b, address := newPythonBench(t)
	good := b.python(t, "good")
	b.point(t, good.Pointer())
	b.served(t, address, good, "good")
	for want, source := range map[string]string{
		"it exits at start with status 3": "import sys\nsys.exit(3)\n",
		// The health path is also the ready path.
		"it is not ready within 10 s: GET /health answers 500, not 200":                       strings.Replace(pythonServer, "send_response(200)", "send_response(500)", 1),
		"it is not ready within 10 s: GET /health has no answer at $HOST:$PORT":               "import time\ntime.sleep(600)\n",
		"it does not end within 10 s of SIGTERM (lifecycle.stop): a program has to end on it": "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + pythonServer,
	} {
		bad := b.archived(t, map[string]string{"app.py": source, "name.txt": "bad"})
		b.point(t, bad.Pointer())
		s := b.runOnce(t)
		assert.Equal(t, machine.Refused, s.Phase, want)
		assert.Contains(t, s.Reason, want)
		assert.Equal(t, good.ID, s.Current)
	}
	b.point(t, good.Pointer())
	b.served(t, address, good, "good")
}

// TestChangedFilesOfAReleaseAreFetchedAgain checks that changed files on the disk
// are found before the release is started again.
func TestChangedFilesOfAReleaseAreFetchedAgain(t *testing.T) {
	t.Parallel()
	b, address := newPythonBench(t)
	one, two := b.python(t, "one"), b.python(t, "two")
	for _, r := range []service.Release{one, two} {
		b.point(t, r.Pointer())
		b.runOnce(t)
	}
	file := filepath.Join(b.root, "opt/escala/releases", string(one.ID), "files", "name.txt")
	require.NoError(t, os.WriteFile(file, []byte("changed"), 0o644))
	b.point(t, one.Pointer())
	b.served(t, address, one, "one")
}
