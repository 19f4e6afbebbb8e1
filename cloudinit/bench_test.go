package cloudinit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/host"
	"escala/service"
	"escala/service/machine"
)

// built is a program of this repository that the tests build once.
type built struct {
	pkg  string
	once sync.Once
	path string
	err  error
}

var (
	agentProgram   = built{pkg: "./agent/cmd/escala-agent"}
	releaseProgram = built{pkg: "./testdata/release"}
)

// get returns the path of the built program.
func (b *built) get(t *testing.T) string {
	t.Helper()
	b.once.Do(func() {
		var folder string
		if folder, b.err = os.MkdirTemp("", "built"); b.err != nil {
			return
		}
		b.path = filepath.Join(folder, filepath.Base(b.pkg))
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.path, b.pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if said, err := cmd.CombinedOutput(); err != nil {
			b.err = fmt.Errorf("building %s: %w: %s", b.pkg, err, said)
		}
	})
	require.NoError(t, b.err)
	return b.path
}

// remove removes the program after all tests.
func (b *built) remove() {
	if b.path != "" {
		_ = os.RemoveAll(filepath.Dir(b.path))
	}
}

// bench holds a machine's files in a folder, with a real supervisord and a
// release store, but without systemd.
type bench struct {
	root, store string
	spec        service.Spec
	built       map[string]service.Release
}

func fileID(t *testing.T, path string) service.ReleaseID {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	sum := sha256.Sum256(content)
	return service.ReleaseID(hex.EncodeToString(sum[:]))
}

func newBench(t *testing.T, changes ...func(*service.Spec)) *bench {
	t.Helper()
	asRoot(t, "the agent runs as root and the service does not")
	tool(t, "supervisord", "supervisor")

	// The path is short, because Unix sockets' paths have a limit. It is open,
	// because the service's user needs access.
	root, err := os.MkdirTemp("", "m")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(root, 0o755))
	t.Cleanup(func() {
		if t.Failed() {
			for _, name := range []string{"var/lib/escala/refusal.json", "var/log/supervisor/supervisord.log", "var/log/escala/worker-0.log"} {
				content, _ := os.ReadFile(filepath.Join(root, name))
				t.Logf("%s:\n%s", name, content)
			}
		}
		assert.NoError(t, os.RemoveAll(root))
	})

	b := &bench{root: root, store: filepath.Join(root, "store"), spec: service.NewSpec(), built: map[string]service.Release{}}
	b.spec.Lifecycle.Start = 10 * time.Second
	b.spec.Lifecycle.Steady = 0
	b.spec.Lifecycle.Stop = 10 * time.Second
	b.spec.Lifecycle.Drain = 1500 * time.Millisecond
	b.spec.Lifecycle.Linger = time.Second
	b.spec.Lifecycle.CloseJitter = 0
	b.spec.Lifecycle.Announce = 0
	for _, change := range changes {
		change(&b.spec)
	}
	m := NewMachine(b.spec)
	m.Root = root
	m.Poll = time.Second
	m.Operator = operatorKey(t, "a").Public()
	binary := agentProgram.get(t)
	m.Agent = fileID(t, binary)
	require.NoError(t, m.validate())
	files, err := m.files()
	require.NoError(t, err)
	for _, f := range files {
		mode, err := strconv.ParseUint(f.Permissions(), 8, 32)
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(f.Path), 0o755))
		// Every Debian has this account.
		content := strings.NewReplacer("\nuser="+User+"\n", "\nuser=nobody\n", `"user": "`+User+`"`, `"user": "nobody"`, StoreFolder, b.store, SharedFolder, filepath.Join(root, "shared")).Replace(f.Content)
		require.NoError(t, os.WriteFile(f.Path, []byte(content), os.FileMode(mode)))
	}
	for _, folder := range []string{"opt/escala/releases", "var/lib/escala", "var/log/escala", "var/log/supervisor", "run/escala", "run/escala-release", "store/releases", "store/agents", "shared", "usr/local/lib/escala"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, folder), 0o755))
	}
	require.NoError(t, os.Link(binary, filepath.Join(b.store, AgentKey(m.Agent))))
	require.NoError(t, os.Link(binary, root+AgentPath))
	nobody, err := osuser.Lookup("nobody")
	require.NoError(t, err)
	uid, err := strconv.Atoi(nobody.Uid)
	require.NoError(t, err)
	require.NoError(t, os.Chown(filepath.Join(root, "run/escala"), uid, -1))
	b.supervise(t)
	return b
}

// environment returns the environment of the machine's programs. PATH is that of
// Debian's services: the workers are not to find a program of this computer's user.
func (b *bench) environment() []string {
	return append(os.Environ(), "ESCALA_ROOT="+b.root, "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
}

// supervise starts supervisord and waits until it answers. The end of the test
// ends it and its workers.
func (b *bench) supervise(t *testing.T) {
	t.Helper()
	cmd := exec.Command("supervisord", "--nodaemon", "--configuration", filepath.Join(b.root, "etc/supervisor/supervisord.conf"))
	cmd.Env = b.environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		killer := time.AfterFunc(time.Minute, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		defer killer.Stop()
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("unix", b.root+host.SupervisorSocket)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	}, time.Minute, 20*time.Millisecond)
}

// release puts a variant into the store.
func (b *bench) release(t *testing.T, variant string) service.Release {
	t.Helper()
	if r, ok := b.built[variant]; ok {
		return r
	}
	content, err := os.ReadFile(releaseProgram.get(t))
	require.NoError(t, err)
	content = append(content, "\n"+variant...)
	r := service.ReleaseOf(content)
	require.NoError(t, os.WriteFile(filepath.Join(b.store, r.Key()), content, 0o644))
	b.built[variant] = r
	return r
}

func (b *bench) point(t *testing.T, pointer string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(b.store, service.PointerKey), []byte(pointer), 0o644))
}

// agent returns a command that runs the agent by hand.
func (b *bench) agent(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, b.root+AgentPath, args...)
	cmd.Env = b.environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// runOnce runs one round and returns what it published.
func (b *bench) runOnce(t *testing.T) machine.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	said, err := b.agent(ctx, "once").CombinedOutput()
	require.NoError(t, err, "%s", said)
	return b.status(t)
}

// retry lets a refusal's pause pass.
func (b *bench) retry(t *testing.T) {
	t.Helper()
	file := filepath.Join(b.root, host.RefusalFile)
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	var refusal map[string]any
	require.NoError(t, json.Unmarshal(content, &refusal))
	refusal["at"] = time.Now().Add(-time.Hour).Unix()
	content, err = json.Marshal(refusal)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, content, 0o644))
}

func (b *bench) status(t *testing.T) machine.Status {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(b.root, "run/escala-release/status.json"))
	require.NoError(t, err)
	s, err := machine.Read(bytes.NewReader(content))
	require.NoError(t, err, "%s", content)
	return s
}

// serves asserts that all workers of the machine run the release.
func (b *bench) serves(t *testing.T, s machine.Status, r service.Release) {
	t.Helper()
	assert.Equal(t, r.ID, s.Current, "%s: %s", s.Phase, s.Reason)
	for i, w := range s.Workers {
		assert.Equal(t, r.ID, w.Release, "worker %d; %s: %s", i, s.Phase, s.Reason)
		assert.True(t, w.Ready, "worker %d", i)
	}
	assert.Len(t, s.Workers, b.spec.Workers.Count)
	assert.Equal(t, r.ID, b.get(t))
}

// get returns the release that answers through the proxy's socket.
func (b *bench) get(t *testing.T) service.ReleaseID {
	t.Helper()
	release, err := b.ask()
	require.NoError(t, err)
	return release
}

func (b *bench) ask() (service.ReleaseID, error) {
	header, err := b.header("/")
	return service.ReleaseID(header.Get("X-Release")), err
}

// header sends a request as Nginx does: on the shared socket, or to each worker
// in turn.
func (b *bench) header(path string) (http.Header, error) {
	var err error
	for _, address := range b.addresses() {
		client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, address.Network(), address.String())
			},
		}}
		var resp *http.Response
		if resp, err = client.Get("http://api" + path); err == nil {
			_ = resp.Body.Close()
			return resp.Header, nil
		}
	}
	return http.Header{}, err
}

func (b *bench) addresses() []net.Addr {
	if b.spec.Workers.Mode == service.WorkersShared {
		return []net.Addr{&net.UnixAddr{Net: "unix", Name: b.root + host.ProxySocket}}
	}
	var out []net.Addr
	for n := range b.spec.Workers.Count {
		out = append(out, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: b.spec.Workers.PortsBase + n})
	}
	return out
}

// load sends requests until stop is called. stop returns the number of requests
// and the errors of the failed ones.
func (b *bench) load(t *testing.T) (stop func() (int, []error)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	done := make(chan struct{})
	sent := 0
	var failed []error
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			sent++
			if _, err := b.ask(); err != nil {
				failed = append(failed, err)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	return func() (int, []error) {
		cancel()
		<-done
		return sent, failed
	}
}

// requireWhole asserts that the release which a worker would start now is complete.
func (b *bench) requireWhole(t *testing.T) {
	t.Helper()
	link, err := os.Readlink(filepath.Join(b.root, "opt/escala/current"))
	require.NoError(t, err)
	content, err := os.ReadFile(filepath.Join(b.root, "opt/escala", link, b.spec.Name))
	require.NoError(t, err)
	sum := sha256.Sum256(content)
	assert.Equal(t, filepath.Base(link), hex.EncodeToString(sum[:]))
}
