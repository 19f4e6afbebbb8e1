package https

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"escala/cloudinit"
	"escala/cloudinit/agent"
	"escala/cloudinit/agent/host"
	"escala/service"
	"escala/service/machine"
)

// box is a machine in a folder.
type box struct {
	t           *testing.T
	root        string
	http, https string // addresses
	upstream    *httptest.Server
	nginx       *exec.Cmd
	agent       *exec.Cmd
}

// folder returns a folder for the machine's files. Its path is short because the
// length of a socket's path is limited, and www-data may enter it.
func folder(t *testing.T) string {
	t.Helper()
	root, err := os.MkdirTemp("", "tls")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(root, 0o755))
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	return root
}

// address returns a free address on loopback.
func address(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// newBox writes a machine's files from its user-data.
func newBox(t *testing.T, id string, m cloudinit.Machine, shared string) *box {
	t.Helper()
	_, noNginx := exec.LookPath("nginx")
	_, noLua := os.Stat("/usr/share/nginx/modules/ngx_http_lua_module.so")
	if err := errors.Join(noNginx, noLua); err != nil || os.Getuid() != 0 || testing.Short() {
		t.Skip("this needs root, and Nginx with libnginx-mod-http-lua: ", err)
	}
	b := &box{t: t, root: folder(t), http: address(t), https: address(t)}
	m.Root = b.root
	userData, err := m.UserData()
	require.NoError(t, err)
	var config struct {
		WriteFiles []struct{ Path, Permissions, Content string } `yaml:"write_files"`
	}
	require.NoError(t, yaml.Unmarshal(userData, &config))
	for _, f := range config.WriteFiles {
		require.NoError(t, os.MkdirAll(filepath.Dir(f.Path), 0o755))
		mode := os.FileMode(0o644)
		if f.Permissions == "0600" {
			mode = 0o600
		}
		content := f.Content
		switch strings.TrimPrefix(f.Path, b.root) {
		case host.ConfigFile:
			content = b.agentConfig(content, shared)
		case "/etc/nginx/nginx.conf":
			content = b.nginxConfig(content)
		}
		require.NoError(t, os.WriteFile(f.Path, []byte(content), mode))
	}
	b.write("/var/lib/cloud/data/instance-id", id)
	for _, folder := range []struct {
		path string
		mode os.FileMode
	}{{"/run/escala-release", 0o755}, {host.CertificatesRun, 0o700}, {"/var/log", 0o755}} {
		require.NoError(t, os.MkdirAll(b.root+folder.path, folder.mode))
	}
	b.serve()
	return b
}

func (b *box) write(path, content string) {
	b.t.Helper()
	require.NoError(b.t, os.MkdirAll(filepath.Dir(b.root+path), 0o755))
	require.NoError(b.t, os.WriteFile(b.root+path, []byte(content), 0o644))
}

// agentConfig sets the store's folders to those of the test.
func (b *box) agentConfig(content, shared string) string {
	var config map[string]any
	require.NoError(b.t, json.Unmarshal([]byte(content), &config))
	config["store"] = map[string]string{"folder": filepath.Join(b.root, "store"), "shared": shared}
	out, err := json.Marshal(config)
	require.NoError(b.t, err)
	require.NoError(b.t, os.MkdirAll(filepath.Join(b.root, "store"), 0o755))
	return string(out)
}

var ipv6 = regexp.MustCompile(`(?m)^\s*listen \[::\].*\n`)

func (b *box) nginxConfig(content string) string {
	return strings.NewReplacer("listen 80 ", "listen "+b.http+" ", "listen 443 ", "listen "+b.https+" ",
		"syslog:server=unix:/dev/log,tag=nginx,nohostname", b.root+"/var/log/nginx.log").Replace(ipv6.ReplaceAllString(content, ""))
}

// serve starts the machine's workers, to which Nginx forwards requests.
func (b *box) serve() {
	mux := http.NewServeMux()
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		for {
			kind, content, err := c.Read(r.Context())
			if err != nil || c.Write(r.Context(), kind, content) != nil {
				return
			}
		}
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	mux.HandleFunc("GET /seen", func(w http.ResponseWriter, r *http.Request) {
		s := seen{Host: r.Host, Claims: map[string]string{}}
		for _, claim := range service.ClientClaims {
			if values := r.Header.Values(claim); len(values) > 0 {
				s.Claims[http.CanonicalHeaderKey(claim)] = strings.Join(values, ", ")
			}
		}
		_ = json.NewEncoder(w).Encode(s)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s", r.Host, r.Header.Get("X-Forwarded-Proto"), r.Proto)
	})
	socket := b.root + host.ProxySocket
	l, err := net.Listen("unix", socket)
	require.NoError(b.t, err)
	require.NoError(b.t, os.Chmod(socket, 0o666))
	b.upstream = httptest.NewUnstartedServer(mux)
	b.upstream.Listener.Close()
	b.upstream.Listener = l
	b.upstream.Start()
	b.t.Cleanup(b.upstream.Close)
}

// startNginx starts Nginx as its unit does.
func (b *box) startNginx() {
	b.t.Helper()
	said, err := b.command("self-signed").CombinedOutput()
	require.NoError(b.t, err, "%s", said)
	_ = os.Remove(b.root + host.CertificatesSocket)
	b.nginx = exec.Command("nginx", "-c", b.root+"/etc/nginx/nginx.conf", "-g", "daemon off;")
	// The output goes to a file. A pipe would stay open as long as a worker of a
	// killed master process runs.
	output, err := os.Create(b.root + "/var/log/nginx-output.log")
	require.NoError(b.t, err)
	defer output.Close()
	b.nginx.Stdout, b.nginx.Stderr = output, output
	require.NoError(b.t, b.nginx.Start())
	b.t.Cleanup(func() {
		b.stopNginx()
		if b.t.Failed() {
			for _, name := range []string{"nginx-output.log", "nginx.log"} {
				log, _ := os.ReadFile(b.root + "/var/log/" + name)
				b.t.Logf("%s: %s", name, log[max(0, len(log)-5000):])
			}
		}
	})
	eventually(b.t, 10*time.Second, func() error {
		c, err := net.Dial("tcp", b.https)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

func (b *box) stopNginx() {
	if b.nginx != nil {
		_ = b.nginx.Process.Signal(syscall.SIGQUIT)
		_ = b.nginx.Wait()
		b.nginx = nil
	}
}

// startAgent starts the agent. There is no supervisord, so the agent's rounds fail.
// The certificates do not depend on them.
func (b *box) startAgent(env ...string) {
	b.t.Helper()
	b.agent = b.command("run")
	b.agent.Env = append(b.agent.Env, env...)
	output := &lockedBuffer{}
	b.agent.Stderr = output
	require.NoError(b.t, b.agent.Start())
	b.t.Cleanup(func() {
		b.stopAgent()
		if b.t.Failed() {
			b.t.Logf("agent: %s", output)
		}
	})
}

func (b *box) stopAgent() {
	if b.agent != nil {
		_ = b.agent.Process.Signal(syscall.SIGTERM)
		_ = b.agent.Wait()
		b.agent = nil
	}
}

func (b *box) command(args ...string) *exec.Cmd {
	cmd := exec.Command(agentBinary(b.t), args...)
	cmd.Env = append(os.Environ(), "ESCALA_ROOT="+b.root, "GOMEMLIMIT=12MiB", "GOGC=50")
	return cmd
}

// status returns the machine's report of its certificates.
func (b *box) status() (*machine.Certificate, error) {
	f, err := os.Open(b.root + agent.StatusFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s, err := machine.Read(f)
	if err == nil && s.Certificate == nil {
		err = errors.New("the status has no certificate")
	}
	return s.Certificate, err
}

// serial returns the serial number of the certificate that the machine serves for a
// name. config decides how the certificate is verified.
func serial(address, name string, config *tls.Config) (string, error) {
	config = config.Clone()
	config.ServerName = name
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	c, err := tls.DialWithDialer(dialer, "tcp", address, config)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return hex.EncodeToString(c.ConnectionState().PeerCertificates[0].SerialNumber.Bytes()), nil
}

// eventually fails the test if try does not succeed within limit.
func eventually(t *testing.T, limit time.Duration, try func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	require.NoError(t, err, "not within %s", limit)
}

// lockedBuffer is a buffer that a process may write while a test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var built struct {
	sync.Once
	path string
	err  error
}

// agentBinary builds the agent once, as it is deployed to machines.
func agentBinary(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		dir, err := os.MkdirTemp("", "agent")
		if err != nil {
			built.err = err
			return
		}
		built.path = filepath.Join(dir, "escala-agent")
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", built.path, "escala/cloudinit/agent/cmd/escala-agent")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if said, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w: %s", err, said)
		}
	})
	require.NoError(t, built.err)
	return built.path
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.path != "" {
		_ = os.RemoveAll(filepath.Dir(built.path))
	}
	os.Exit(code)
}

// spec returns a service with HTTPS.
func spec(hostName string) service.Spec {
	s := service.NewSpec()
	s.Host = hostName
	// A worker process of Nginx cannot have more connections than this computer
	// allows.
	s.Limits.Connections = 1000
	return s
}

// socketClient returns a client that connects to Nginx as the agent does.
func (b *box) socketClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", b.root+host.CertificatesSocket)
	}}}
}
