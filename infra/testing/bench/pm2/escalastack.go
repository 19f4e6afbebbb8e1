package pm2

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"

	"escala/cloudinit"
	"escala/cloudinit/agent/host"
	"escala/service"
	"escala/service/machine"
)

// account replaces the machine's own account: every Debian has it.
const account = "nobody"

// escalaStack is the service as on a machine: supervisord, Nginx and the agent run
// in a folder, with the same files that cloud-init writes.
type escalaStack struct {
	mode     service.WorkersMode
	releases Releases
	workers  int

	root        string
	front       int
	spec        service.Spec
	supervisord *daemon
	nginx       *nginx
	current     int
}

func newEscalaStack(mode service.WorkersMode, releases Releases, workers int) *escalaStack {
	return &escalaStack{mode: mode, releases: releases, workers: workers}
}

func (e *escalaStack) name() string {
	if e.mode == service.WorkersShared {
		return "escala, shared socket"
	}
	return "escala, ports"
}

func (e *escalaStack) start(ctx context.Context) (err error) {
	port, err := freePorts(ctx, e.workers+2)
	if err != nil {
		return err
	}
	// The path is short because the length of a Unix socket's path is limited.
	if e.root, err = os.MkdirTemp("", "esc"); err != nil {
		return fmt.Errorf("making the machine's folder: %w", err)
	}
	defer func() {
		if err != nil {
			e.stop()
		}
	}()
	e.front = port + e.workers + 1
	e.spec = service.NewSpec()
	e.spec.Port = port
	e.spec.Workers.Count, e.spec.Workers.Mode, e.spec.Workers.PortsBase = e.workers, e.mode, port+1
	if err = e.writeMachine(); err != nil {
		return err
	}
	if err = e.point(0); err != nil {
		return err
	}
	supervisord := exec.CommandContext(context.WithoutCancel(ctx), "supervisord", "--nodaemon", "--configuration", filepath.Join(e.root, "etc/supervisor/supervisord.conf"))
	supervisord.Env = e.environment()
	if e.supervisord, err = launch(supervisord); err != nil {
		return err
	}
	conf, err := os.ReadFile(filepath.Join(e.root, "etc/nginx/nginx.conf"))
	if err != nil {
		return fmt.Errorf("reading the rendered nginx.conf: %w", err)
	}
	front := strings.NewReplacer("listen 80 ", "listen "+local(e.front)+" ", "listen [::]:80 ", "# listen [::]:80 ").Replace(string(conf))
	if e.nginx, err = startNginx(ctx, filepath.Join(e.root, "nginx"), front); err != nil {
		return err
	}
	if err = e.follow(ctx); err != nil {
		return err
	}
	return answers(ctx, local(e.front), time.Minute, 20*time.Millisecond)
}

// writeMachine writes the files that cloud-init would write.
func (e *escalaStack) writeMachine() error {
	m := cloudinit.NewMachine(e.spec)
	m.Root = e.root
	m.Agent = e.releases.Agent.ID
	data, err := m.UserData()
	if err != nil {
		return fmt.Errorf("rendering the machine: %w", err)
	}
	var config struct {
		WriteFiles []struct{ Path, Permissions, Content string } `yaml:"write_files"`
	}
	if err := yaml.Unmarshal(data, &config); err != nil {
		return fmt.Errorf("reading the machine's user-data: %w", err)
	}
	stand := strings.NewReplacer("\nuser="+cloudinit.User+"\n", "\nuser="+account+"\n", `"user": "`+cloudinit.User+`"`, `"user": "`+account+`"`, cloudinit.StoreFolder, filepath.Join(e.root, "store"))
	for _, f := range config.WriteFiles {
		mode, err := strconv.ParseUint(f.Permissions, 8, 32)
		if err != nil {
			return fmt.Errorf("the mode of %s: %w", f.Path, err)
		}
		if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
			return fmt.Errorf("writing the machine's files: %w", err)
		}
		if err := os.WriteFile(f.Path, []byte(stand.Replace(f.Content)), os.FileMode(mode)); err != nil {
			return fmt.Errorf("writing the machine's files: %w", err)
		}
	}
	for _, folder := range []string{"opt/escala/releases", "var/lib/escala", "var/log/escala", "var/log/supervisor", "run/escala", "run/escala-release", "store/releases"} {
		if err := os.MkdirAll(filepath.Join(e.root, folder), 0o755); err != nil {
			return fmt.Errorf("making the machine's folders: %w", err)
		}
	}
	if err := os.Chmod(e.root, 0o755); err != nil {
		return fmt.Errorf("opening the machine's folder: %w", err)
	}
	who, err := osuser.Lookup(account)
	if err != nil {
		return fmt.Errorf("looking for the workers' account: %w", err)
	}
	uid, err := strconv.Atoi(who.Uid)
	if err != nil {
		return fmt.Errorf("looking for the workers' account: %w", err)
	}
	if err := os.Chown(filepath.Join(e.root, "run/escala"), uid, -1); err != nil {
		return fmt.Errorf("giving the workers their folder: %w", err)
	}
	for _, r := range e.releases.Services {
		if err := copyFile(r.Path, filepath.Join(e.root, "store", r.Key()), 0o644); err != nil {
			return fmt.Errorf("filling the release store: %w", err)
		}
	}
	if err := copyFile(e.releases.Agent.Path, e.root+cloudinit.AgentPath, 0o755); err != nil {
		return fmt.Errorf("installing the agent: %w", err)
	}
	return nil
}

func copyFile(from, to string, mode os.FileMode) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, mode)
}

func (e *escalaStack) environment() []string {
	return append(os.Environ(), "ESCALA_ROOT="+e.root)
}

// point makes the pointer name the release.
func (e *escalaStack) point(release int) error {
	e.current = release
	if err := os.WriteFile(filepath.Join(e.root, "store", service.PointerKey), []byte(e.releases.Services[release].Pointer()), 0o644); err != nil {
		return fmt.Errorf("pointing to a release: %w", err)
	}
	return nil
}

// follow runs one round of the agent and reports whether it reached the wanted
// release.
func (e *escalaStack) follow(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, e.root+cloudinit.AgentPath, "once")
	cmd.Env = e.environment()
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("following the release: %w\n%s", err, lastLines(string(said), 5))
	}
	content, err := os.ReadFile(filepath.Join(e.root, "run/escala-release/status.json"))
	if err != nil {
		return fmt.Errorf("reading the agent's status: %w", err)
	}
	var status machine.Status
	if err := json.Unmarshal(content, &status); err != nil {
		return fmt.Errorf("reading the agent's status: %w", err)
	}
	if want := e.releases.Services[e.current].ID; status.Phase != machine.Serving || status.Current != want {
		return fmt.Errorf("the machine is %s on release %s, not serving %s: %s", status.Phase, status.Current.Short(), want.Short(), status.Reason)
	}
	return nil
}

func (e *escalaStack) stop() {
	if e.nginx != nil {
		e.nginx.stop()
		e.nginx = nil
	}
	if e.supervisord != nil {
		e.supervisord.end(syscall.SIGTERM, 30*time.Second)
		e.supervisord = nil
	}
	if err := os.RemoveAll(e.root); err != nil {
		fmt.Fprintln(os.Stderr, "removing the machine's folder:", err)
	}
}

func (e *escalaStack) direct() []string {
	if e.mode == service.WorkersShared {
		return []string{e.root + host.ProxySocket}
	}
	return inRow(e.spec.Workers.PortsBase, e.workers)
}

func (e *escalaStack) proxied() []string { return []string{local(e.front)} }
func (e *escalaStack) manager() int      { return e.supervisord.pid() }
func (e *escalaStack) roots() []int      { return []int{e.supervisord.pid(), e.nginx.pid()} }

// reload rolls to the other one of the two releases.
func (e *escalaStack) reload(ctx context.Context) error {
	if err := e.point((e.current + 1) % len(e.releases.Services)); err != nil {
		return err
	}
	return e.follow(ctx)
}
