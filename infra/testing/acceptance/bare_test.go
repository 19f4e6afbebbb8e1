package acceptance

import (
	"fmt"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"escala/cloudinit"
	"escala/infra/build"
	"escala/infra/deploy/gate"
	"escala/infra/workspace"
	"escala/service"
)

// bare holds a machine's files in a folder, with the real supervisord, Nginx,
// agent and service, but without systemd.
type bare struct {
	t      *testing.T
	root   string
	spec   service.Spec
	port   int
	binary build.Release
}

// newBare starts a machine with the first release in its store.
func newBare(t *testing.T, spec service.Spec) *bare {
	t.Helper()
	if testing.Short() {
		t.Skip("runs a whole machine")
	}
	for _, program := range []string{"supervisord", "nginx"} {
		_, err := exec.LookPath(program)
		require.NoError(t, err, "install Debian's supervisor and nginx")
	}
	require.Zero(t, os.Getuid(), "the agent runs as root and the service does not; run this test as root")
	clone, err := workspace.Root()
	require.NoError(t, err)

	// The path is short because Unix sockets' paths are limited, and readable
	// by the service's user.
	root, err := os.MkdirTemp("", "p")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(root, 0o755))
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(root)) })
	b := &bare{t: t, root: root, spec: spec, port: freePorts(t, 1)}
	state, platform := filepath.Join(root, "state"), build.Platform{OS: "linux", Arch: runtime.GOARCH}
	b.binary, err = build.Service(t.Context(), clone, state, platform)
	require.NoError(t, err)
	agent, err := build.AgentTool.For(t.Context(), workspace.Home{Folder: clone}, state, platform)
	require.NoError(t, err)

	m := cloudinit.NewMachine(spec)
	m.Root = root
	m.Poll = time.Second
	m.Agent = agent.ID
	b.install(m)
	require.NoError(t, os.Link(agent.Path, root+cloudinit.AgentPath))
	require.NoError(t, os.Chmod(root+cloudinit.AgentPath, 0o755))
	b.release("first")
	b.run("supervisord", "--nodaemon", "--configuration", filepath.Join(root, "etc/supervisor/supervisord.conf"))
	b.run("nginx", "-g", "daemon off;", "-e", filepath.Join(root, "nginx.log"), "-c", filepath.Join(root, "etc/nginx/nginx.conf"))
	b.run(root+cloudinit.AgentPath, "run")
	return b
}

// install writes the machine's files, with an account that every Debian has, a
// loopback port and a readable log.
func (b *bare) install(m cloudinit.Machine) {
	b.t.Helper()
	userData, err := m.UserData()
	require.NoError(b.t, err)
	var config struct {
		WriteFiles []struct{ Path, Permissions, Content string } `yaml:"write_files"`
	}
	require.NoError(b.t, yaml.Unmarshal(userData, &config))
	for _, f := range config.WriteFiles {
		mode, err := strconv.ParseUint(f.Permissions, 8, 32)
		require.NoError(b.t, err)
		require.NoError(b.t, os.MkdirAll(filepath.Dir(f.Path), 0o755))
		content := strings.NewReplacer(
			"\nuser="+cloudinit.User+"\n", "\nuser=nobody\n",
			`"user": "`+cloudinit.User+`"`, `"user": "nobody"`, cloudinit.StoreFolder, filepath.Join(b.root, "store"),
			"listen 80 ", fmt.Sprintf("listen 127.0.0.1:%d ", b.port),
			"\t\tlisten [::]:80 default_server backlog=4096;\n", "",
			"error_log syslog:server=unix:/dev/log,tag=nginx,nohostname warn", "error_log "+b.root+"/nginx.log warn",
			"access_log syslog:server=unix:/dev/log,tag=nginx,nohostname", "access_log "+b.root+"/nginx.log",
		).Replace(f.Content)
		require.NoError(b.t, os.WriteFile(f.Path, []byte(content), os.FileMode(mode)))
	}
	for _, folder := range []string{"opt/escala/releases", "var/lib/escala", "var/log/escala", "var/log/supervisor", "run/escala", "run/escala-release", "store/releases"} {
		require.NoError(b.t, os.MkdirAll(filepath.Join(b.root, folder), 0o755))
	}
	nobody, err := osuser.Lookup("nobody")
	require.NoError(b.t, err)
	uid, err := strconv.Atoi(nobody.Uid)
	require.NoError(b.t, err)
	require.NoError(b.t, os.Chown(filepath.Join(b.root, "run/escala"), uid, -1))
}

// run starts a program. The program and its children end with the test.
func (b *bare) run(program string, args ...string) {
	b.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "ESCALA_ROOT="+b.root)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(b.t, cmd.Start())
	b.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		killer := time.AfterFunc(20*time.Second, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		defer killer.Stop()
		_ = cmd.Wait()
	})
}

// release puts a release into the store and points to it. Each release is the same
// program with other bytes at its end.
func (b *bare) release(tail string) service.Release {
	b.t.Helper()
	content, err := os.ReadFile(b.binary.Path)
	require.NoError(b.t, err)
	content = append(content, tail...)
	r := service.ReleaseOf(content)
	store := filepath.Join(b.root, "store")
	require.NoError(b.t, os.WriteFile(filepath.Join(store, r.Key()), content, 0o644))
	pointer := filepath.Join(store, service.PointerKey)
	require.NoError(b.t, os.WriteFile(pointer+".new", []byte(r.Pointer()), 0o644))
	require.NoError(b.t, os.Rename(pointer+".new", pointer))
	return r
}

func (b *bare) url() string { return fmt.Sprintf("http://127.0.0.1:%d", b.port) }

// awaits waits until the machine passes the gate of every deployment.
func (b *bare) awaits(r service.Release) {
	b.t.Helper()
	g := gate.Gate{URL: b.url(), HealthPath: b.spec.HealthPath, Timeout: time.Minute, Poll: 100 * time.Millisecond}
	if err := g.Wait(b.t.Context(), gate.Want{Release: r.ID, Workers: b.spec.Workers.Count}); err != nil {
		log, _ := os.ReadFile(filepath.Join(b.root, "var/log/escala/worker-0.log"))
		nginx, _ := os.ReadFile(filepath.Join(b.root, "nginx.log"))
		require.NoError(b.t, err, "worker 0:\n%s\nnginx:\n%s", log, nginx)
	}
}

// pid returns a worker's process id.
func (b *bare) pid(worker int) int {
	b.t.Helper()
	out, err := exec.CommandContext(b.t.Context(), "supervisorctl", "-c", filepath.Join(b.root, "etc/supervisor/supervisord.conf"),
		"pid", fmt.Sprintf("%s:%s_%d", b.spec.Name, b.spec.Name, worker)).Output()
	require.NoError(b.t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	require.NoError(b.t, err)
	return pid
}
