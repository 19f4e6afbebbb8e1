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

// ours is our stack as on a machine: supervisord, Nginx and the release agent
// in a folder, with the very files that cloud-init writes.
type ours struct {
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

func newOurs(mode service.WorkersMode, releases Releases, workers int) *ours {
	return &ours{mode: mode, releases: releases, workers: workers}
}

func (o *ours) name() string {
	if o.mode == service.WorkersShared {
		return "escala, shared socket"
	}
	return "escala, ports"
}

func (o *ours) start(ctx context.Context) (err error) {
	port, err := freePorts(ctx, o.workers+2)
	if err != nil {
		return err
	}
	// The path is short because the length of a Unix socket's path is limited.
	if o.root, err = os.MkdirTemp("", "esc"); err != nil {
		return fmt.Errorf("making the machine's folder: %w", err)
	}
	defer func() {
		if err != nil {
			o.stop()
		}
	}()
	o.front = port + o.workers + 1
	o.spec = service.NewSpec()
	o.spec.Port = port
	o.spec.Workers.Count, o.spec.Workers.Mode, o.spec.Workers.PortsBase = o.workers, o.mode, port+1
	if err = o.writeMachine(); err != nil {
		return err
	}
	if err = o.point(0); err != nil {
		return err
	}
	supervisord := exec.CommandContext(context.WithoutCancel(ctx), "supervisord", "--nodaemon", "--configuration", filepath.Join(o.root, "etc/supervisor/supervisord.conf"))
	supervisord.Env = o.environment()
	if o.supervisord, err = launch(supervisord); err != nil {
		return err
	}
	conf, err := os.ReadFile(filepath.Join(o.root, "etc/nginx/nginx.conf"))
	if err != nil {
		return fmt.Errorf("reading our nginx.conf: %w", err)
	}
	front := strings.NewReplacer("listen 80 ", "listen "+local(o.front)+" ", "listen [::]:80 ", "# listen [::]:80 ").Replace(string(conf))
	if o.nginx, err = startNginx(ctx, filepath.Join(o.root, "nginx"), front); err != nil {
		return err
	}
	if err = o.follow(ctx); err != nil {
		return err
	}
	return answers(ctx, local(o.front), time.Minute, 20*time.Millisecond)
}

// writeMachine writes the files that cloud-init would write.
func (o *ours) writeMachine() error {
	m := cloudinit.NewMachine(o.spec)
	m.Root = o.root
	m.Agent = service.ReleaseID(o.releases.Agent.SHA256)
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
	stand := strings.NewReplacer("\nuser="+cloudinit.User+"\n", "\nuser="+account+"\n", `"user": "`+cloudinit.User+`"`, `"user": "`+account+`"`, cloudinit.StoreFolder, filepath.Join(o.root, "store"))
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
		if err := os.MkdirAll(filepath.Join(o.root, folder), 0o755); err != nil {
			return fmt.Errorf("making the machine's folders: %w", err)
		}
	}
	if err := os.Chmod(o.root, 0o755); err != nil {
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
	if err := os.Chown(filepath.Join(o.root, "run/escala"), uid, -1); err != nil {
		return fmt.Errorf("giving the workers their folder: %w", err)
	}
	for _, r := range o.releases.Services {
		if err := copyFile(r.Path, filepath.Join(o.root, "store", r.Key()), 0o644); err != nil {
			return fmt.Errorf("filling the release store: %w", err)
		}
	}
	if err := copyFile(o.releases.Agent.Path, o.root+cloudinit.AgentPath, 0o755); err != nil {
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

func (o *ours) environment() []string {
	return append(os.Environ(), "ESCALA_ROOT="+o.root)
}

// point makes the pointer name the release.
func (o *ours) point(release int) error {
	o.current = release
	if err := os.WriteFile(filepath.Join(o.root, "store", service.PointerKey), []byte(o.releases.Services[release].Pointer()), 0o644); err != nil {
		return fmt.Errorf("pointing to a release: %w", err)
	}
	return nil
}

// follow runs one round of the agent and reports whether it reached the wanted
// release.
func (o *ours) follow(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, o.root+cloudinit.AgentPath, "once")
	cmd.Env = o.environment()
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("following the release: %w\n%s", err, lastLines(string(said), 5))
	}
	content, err := os.ReadFile(filepath.Join(o.root, "run/escala-release/status.json"))
	if err != nil {
		return fmt.Errorf("reading the agent's status: %w", err)
	}
	var status machine.Status
	if err := json.Unmarshal(content, &status); err != nil {
		return fmt.Errorf("reading the agent's status: %w", err)
	}
	if want := o.releases.Services[o.current].ID; status.Phase != machine.Serving || status.Current != want {
		return fmt.Errorf("the machine is %s on release %s, not serving %s: %s", status.Phase, status.Current.Short(), want.Short(), status.Reason)
	}
	return nil
}

func (o *ours) stop() {
	if o.nginx != nil {
		o.nginx.stop()
		o.nginx = nil
	}
	if o.supervisord != nil {
		o.supervisord.end(syscall.SIGTERM, 30*time.Second)
		o.supervisord = nil
	}
	if err := os.RemoveAll(o.root); err != nil {
		fmt.Fprintln(os.Stderr, "removing the machine's folder:", err)
	}
}

func (o *ours) direct() []string {
	if o.mode == service.WorkersShared {
		return []string{o.root + host.ProxySocket}
	}
	return inRow(o.spec.Workers.PortsBase, o.workers)
}

func (o *ours) proxied() []string { return []string{local(o.front)} }
func (o *ours) manager() int      { return o.supervisord.pid() }
func (o *ours) roots() []int      { return []int{o.supervisord.pid(), o.nginx.pid()} }

// reload rolls to the other one of the two releases.
func (o *ours) reload(ctx context.Context) error {
	if err := o.point((o.current + 1) % len(o.releases.Services)); err != nil {
		return err
	}
	return o.follow(ctx)
}
