package cloudinit

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/host"
	"escala/service"
)

// startNginx runs Nginx with a machine's own configuration in front of a
// handler, and returns its address.
func startNginx(t testing.TB, spec service.Spec, h http.HandlerFunc) string {
	t.Helper()
	address, _ := startLogging(t, spec, h)
	return address
}

// startLogging starts Nginx like startNginx, with a log of every request.
func startLogging(t testing.TB, spec service.Spec, h http.HandlerFunc) (address, log string) {
	t.Helper()
	upstream := httptest.NewUnstartedServer(h)
	t.Cleanup(upstream.Close)
	if spec.Workers.Mode == service.WorkersPorts {
		spec.Workers.PortsBase = upstream.Listener.Addr().(*net.TCPAddr).Port
	}
	m := nginxMachine(t, spec)
	socket := m.Root + host.ProxySocket
	if spec.Workers.Mode == service.WorkersShared {
		require.NoError(t, upstream.Listener.Close())
		var err error
		upstream.Listener, err = net.Listen("unix", socket)
		require.NoError(t, err)
		require.NoError(t, os.Chmod(socket, 0o666))
	}
	upstream.Start()
	return runNginx(t, m)
}

// nginxMachine returns a machine whose root is a folder with what Nginx needs: the
// folders of its sockets and its Lua programs.
func nginxMachine(t testing.TB, spec service.Spec) Machine {
	t.Helper()
	tool(t, "nginx", "nginx")
	root, err := os.MkdirTemp("", "nginx") // a short path for sockets, which www-data can read
	require.NoError(t, err)
	require.NoError(t, os.Chmod(root, 0o755))
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	for _, file := range []string{host.ProxySocket, host.UpstreamsFile, host.UpstreamsSocket, host.AnswersSocket, programsFolder + "x"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(root+file), 0o755))
	}
	for name, content := range map[string]string{"upstreams.lua": upstreamsLua, "answers.lua": answersLua} {
		require.NoError(t, os.WriteFile(root+programsFolder+name, []byte(content), 0o600))
	}
	m := testMachine(spec)
	m.Root = root
	require.NoError(t, m.validate())
	return m
}

// nginxFolders skips a test with -short for an ordinary user: where Nginx has never
// run, only root can make its folders below /var/lib.
func nginxFolders(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 && testing.Short() {
		t.Skip("Nginx makes its folders as root; -short leaves that out")
	}
}

// runNginx runs Nginx with the configuration of a machine, in its root. It
// returns the address and the path of a log of every request.
func runNginx(t testing.TB, m Machine) (address, log string) {
	t.Helper()
	nginxFolders(t)
	conf, err := m.nginx()
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address = l.Addr().String()
	log = filepath.Join(m.Root, "log")
	require.NoError(t, l.Close())
	// A test must not need port 80.
	conf = strings.NewReplacer("listen 80 ", "listen "+address+" ", "listen [::]:80 ", "listen [::1]:"+address[strings.LastIndex(address, ":")+1:]+" ",
		"syslog:server=unix:/dev/log,tag=nginx,nohostname", log, " if=$failed", "").Replace(conf)
	file := filepath.Join(m.Root, "nginx.conf")
	require.NoError(t, os.WriteFile(file, []byte(conf), 0o600))
	cmd := exec.Command("nginx", "-c", file, "-g", "daemon off;")
	said := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = said, said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGQUIT)
		_ = cmd.Wait()
		if t.Failed() {
			lines, _ := os.ReadFile(log)
			t.Logf("nginx: %s\n%s", said, lines[max(0, len(lines)-10_000):])
		}
	})
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			require.NoError(t, c.Close())
			return address, log
		}
		require.True(t, time.Now().Before(end), "Nginx does not start")
	}
}

// askNginx sends a request and returns the answer's status and body.
func askNginx(t *testing.T, method, address, path string, header http.Header, body io.Reader) (int, string) {
	t.Helper()
	return askNginxFrom(t, "", method, address, path, header, body)
}

// askNginxFrom sends a request from an address of this computer; "" is any.
func askNginxFrom(t *testing.T, local, method, address, path string, header http.Header, body io.Reader) (int, string) {
	t.Helper()
	var dialer net.Dialer
	if local != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(local)}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+path, body)
	require.NoError(t, err)
	for name, values := range header {
		req.Header[name] = values
	}
	if host := header.Get("Host"); host != "" {
		req.Host = host
		req.Header.Del("Host")
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: dialer.DialContext}}).Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(b)
}

// TestNginxBelievesNoClient checks every header about the client, sent by a client.
func TestNginxBelievesNoClient(t *testing.T) {
	address := startNginx(t, service.NewSpec(), func(w http.ResponseWriter, r *http.Request) {
		for _, name := range service.ClientClaims {
			for _, value := range r.Header[name] {
				_, _ = fmt.Fprintf(w, "%s: %s\n", name, value)
			}
		}
	})
	header := http.Header{"Host": {"shop.example:8080"}}
	for _, name := range service.ClientClaims {
		header.Set(name, "mine")
	}
	status, got := askNginx(t, http.MethodGet, address, "/", header, nil)
	assert.Equal(t, http.StatusOK, status)
	assert.NotContains(t, got, "mine")
	assert.Contains(t, got, "X-Real-Ip: 127.0.0.1\n")
	assert.Contains(t, got, "X-Forwarded-For: 127.0.0.1\n")
	assert.Contains(t, got, "X-Forwarded-Proto: http\n")
	assert.Contains(t, got, "X-Forwarded-Host: shop.example:8080\n")
	assert.Regexp(t, `X-Request-Id: [0-9a-f]{32}\n`, got)
	assert.Equal(t, len(service.MachineClaims), strings.Count(got, "\n"), "nothing else:\n%s", got)
}

// TestNginxTunnelsNothingButWebSockets checks other upgrades. In a tunnel a client
// could write requests that Nginx never sees, with forged headers about itself: a
// program that speaks HTTP/2 without TLS accepts "Upgrade: h2c".
func TestNginxTunnelsNothingButWebSockets(t *testing.T) {
	t.Parallel()
	address := startNginx(t, service.NewSpec(), func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%q %q", r.Header.Get("Upgrade"), r.Header.Get("Connection"))
	})
	for sent, want := range map[string]string{
		"":               `"" ""`,
		"h2c":            `"" ""`,
		"websocket, h2c": `"" ""`,
		"h2c, websocket": `"" ""`,
		"TLS/1.0":        `"" ""`,
		"websocket":      `"websocket" "upgrade"`,
		"WebSocket":      `"websocket" "upgrade"`,
	} {
		header := http.Header{}
		if sent != "" {
			header = http.Header{"Upgrade": {sent}, "Connection": {"Upgrade, HTTP2-Settings"}, "Http2-Settings": {"AAMAAABkAAQAoAAAAAIAAAAA"}}
		}
		status, got := askNginx(t, http.MethodGet, address, "/", header, nil)
		assert.Equal(t, http.StatusOK, status)
		assert.Equal(t, want, got, "%q", sent)
	}
}

// TestNginxKeepsTheOriginOfAPage checks that a page of the service itself may
// post to it, on any port, and that another site's page may not.
func TestNginxKeepsTheOriginOfAPage(t *testing.T) {
	address := startNginx(t, service.NewSpec(), http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host)
	})).ServeHTTP)
	for _, tt := range []struct {
		host, origin string
		want         int
	}{
		{"localhost:8080", "http://localhost:8080", http.StatusOK},
		{"localhost", "http://localhost", http.StatusOK},
		{"[::1]:8080", "http://[::1]:8080", http.StatusOK},
		{"shop.example:8443", "https://shop.example:8443", http.StatusOK},
		{"localhost:8080", "http://localhost", http.StatusForbidden},
		{"localhost:8080", "http://localhost:8081", http.StatusForbidden},
		{"localhost:8080", "http://evil.example", http.StatusForbidden},
	} {
		status, got := askNginx(t, http.MethodPost, address, "/", http.Header{"Host": {tt.host}, "Origin": {tt.origin}}, strings.NewReader("x"))
		assert.Equal(t, tt.want, status, "%s at %s", tt.origin, tt.host)
		if tt.want == http.StatusOK {
			assert.Equal(t, tt.host, got)
		}
	}
}

// TestNginxHasTheServicesLimits checks that requests within the description's
// limits reach the service.
func TestNginxHasTheServicesLimits(t *testing.T) {
	asRoot(t, "Nginx raises its limit of open files and writes large bodies to its own folder")
	spec := service.NewSpec()
	spec.Limits.BodyMiB = 12
	address := startNginx(t, spec, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("X-Long", strings.Repeat("x", 12<<10))
		_, _ = fmt.Fprintf(w, "%d bytes, a cookie of %d", n, len(r.Header.Get("Cookie")))
	})
	status, got := askNginx(t, http.MethodPost, address, "/", http.Header{"Cookie": {strings.Repeat("c", 60<<10)}}, bytes.NewReader(make([]byte, 12<<20)))
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, fmt.Sprintf("%d bytes, a cookie of %d", 12<<20, 60<<10), got)
	status, _ = askNginx(t, http.MethodPost, address, "/", nil, bytes.NewReader(make([]byte, 12<<20+1)))
	assert.Equal(t, http.StatusRequestEntityTooLarge, status)
}

// TestNginxBelievesItsProxies checks the headers of the operator's own proxy in
// front.
func TestNginxBelievesItsProxies(t *testing.T) {
	spec := service.NewSpec()
	spec.TrustedProxies = []string{"127.0.0.0/8"}
	address := startNginx(t, spec, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s %s", r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"))
	})
	_, got := askNginx(t, http.MethodGet, address, "/", http.Header{"X-Forwarded-For": {"6.6.6.6, 203.0.113.7"}, "X-Forwarded-Proto": {"https"}}, nil)
	assert.Equal(t, "203.0.113.7 https", got)
}

// TestNginxTakesMoreConnectionsThanTheWorkers checks that connections reach the
// service's own limit first, which sends an answer.
func TestNginxTakesMoreConnectionsThanTheWorkers(t *testing.T) {
	t.Parallel()
	for _, mode := range []service.WorkersMode{service.WorkersShared, service.WorkersPorts} {
		spec := service.NewSpec()
		spec.Workers.Mode, spec.Workers.Count, spec.Limits.Connections = mode, 4, 20_000
		conf, err := NewMachine(spec).nginx()
		require.NoError(t, err)
		assert.Contains(t, conf, "worker_connections 161024;")
		assert.NotContains(t, conf, "proxy_bind")

		spec.Limits.Connections = 60_000
		conf, err = NewMachine(spec).nginx()
		require.NoError(t, err)
		if mode == service.WorkersPorts {
			assert.Contains(t, conf, "split_clients $connection $source_address {\n\t\t33.33% 127.0.0.1;\n\t\t33.33% 127.0.0.2;\n\t\t* 127.0.0.3;\n\t}")
			assert.Contains(t, conf, "proxy_bind $source_address;")
		} else {
			assert.NotContains(t, conf, "proxy_bind", "a shared socket has no ports")
		}
	}
	conf, err := NewMachine(service.NewSpec()).nginx()
	require.NoError(t, err)
	assert.NotContains(t, conf, "proxy_bind", "the default fits one address")
}

// TestAMachineThatCannotRaiseItsLimits checks that such a machine keeps within its
// limits: Nginx does not ask for more than its unit starts it with, and supervisord
// starts.
func TestAMachineThatCannotRaiseItsLimits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limit, connections                int
		files, proxied, unit, supervisord string
	}{
		"a machine that can":            {0, 12_000, "57216", "49024", "8192", "13024"},
		"one that has less":             {16_384, 12_000, "16384", "8192", "16384", "13024"},
		"one that has more":             {100_000, 12_000, "57216", "49024", "57216", "13024"},
		"one with less than a worker's": {16_384, 20_000, "16384", "8192", "16384", "16384"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := service.NewSpec()
			spec.Limits.Connections = c.connections
			m := testMachine(spec)
			m.OpenFiles = c.limit
			files, err := m.files()
			require.NoError(t, err)
			content := map[string]string{}
			for _, f := range files {
				content[f.Path] = f.Content
			}
			assert.Contains(t, content["/etc/nginx/nginx.conf"], "worker_rlimit_nofile "+c.files+";")
			assert.Contains(t, content["/etc/nginx/nginx.conf"], "worker_connections "+c.proxied+";")
			assert.Contains(t, content["/etc/systemd/system/nginx.service.d/escala.conf"], "LimitNOFILE="+c.unit+"\n")
			assert.Contains(t, content["/etc/supervisor/supervisord.conf"], "minfds="+c.supervisord+"\n")
		})
	}
	m := testMachine(service.NewSpec())
	m.OpenFiles = 1024
	assert.ErrorContains(t, m.validate(), "openFiles: 1024 is below 16384")
}

func TestManyConnectionsToTheWorkersAreSpread(t *testing.T) {
	spec := service.NewSpec()
	spec.Workers.Mode, spec.Limits.Connections = service.WorkersPorts, 60_000
	address := startNginx(t, spec, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RemoteAddr) })
	from := map[string]bool{}
	for range 100 {
		status, got := askNginx(t, http.MethodGet, address, "/", nil, nil)
		require.Equal(t, http.StatusOK, status)
		host, _, err := net.SplitHostPort(got)
		require.NoError(t, err)
		from[host] = true
	}
	assert.NotEmpty(t, from)
	for host := range from {
		assert.Contains(t, []string{"127.0.0.1", "127.0.0.2", "127.0.0.3"}, host)
	}
}
