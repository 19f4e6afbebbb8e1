package pm2

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"escala/cloudinit"
	"escala/infra/targets/local/image"
	"escala/infra/targets/local/podman"
	"escala/service"
)

//go:embed machine.sh
var watchMachine string

// Install is the effort to set up a fresh machine.
type Install struct {
	Escala Setup `json:"escala"`
	PM2    Setup `json:"pm2"`
}

// Setup holds the medians over the machines of one kind, from the start of the
// machine to its Nginx's first answer from the service.
type Setup struct {
	// Seconds holds the time of each machine, in the order of creation.
	Seconds []float64 `json:"seconds"`
	// CPU is the processor time in seconds. It is more reliable than Seconds if
	// the computer has other load.
	CPU []float64 `json:"cpu_seconds"`
	// Fetched is the number of bytes received over the network, including the
	// release. Added is the growth of the disk use over the machine's image, in
	// bytes.
	Fetched int64 `json:"fetched"`
	Added   int64 `json:"added"`
}

// measureInstall sets up machines of both kinds in turn.
func measureInstall(ctx context.Context, o Options, app App, releases Releases) (in *Install, err error) {
	images := filepath.Join(o.State, "images")
	if err := image.Build(ctx, images, o.Progress); err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp("", "esc")
	if err != nil {
		return nil, fmt.Errorf("making a folder for machines: %w", err)
	}
	defer os.RemoveAll(scratch)
	field := &field{
		pod:    podman.Podman{Folder: filepath.Join(scratch, "podman")},
		rootfs: image.RootFS(images, image.Digest()), folder: scratch,
	}
	defer func() {
		// Clean up even after an error: a network outlives the folder that
		// describes it.
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if removed := field.pod.RemoveWhenUnused(cleanup); err == nil && removed != nil {
			err = removed
		}
	}()
	escalaData, tutorialData, err := field.prepare(ctx, o, app, releases)
	if err != nil {
		return nil, err
	}
	ca, err := certificates()
	if err != nil {
		return nil, err
	}
	before, err := diskUse(field.rootfs)
	if err != nil {
		return nil, err
	}
	in = &Install{}
	for n := range o.Machines {
		o.Progress(fmt.Sprintf("setting up machine %d of %d with escala", n+1, o.Machines))
		one, err := field.setUp(ctx, fmt.Sprintf("escala-%d", n), escalaData, map[string]string{filepath.Join(scratch, "store"): cloudinit.StoreFolder})
		if err != nil {
			return nil, err
		}
		one.fetched += releases.Services[0].Size
		in.Escala.add(one, before)
		o.Progress(fmt.Sprintf("setting up machine %d of %d with PM2", n+1, o.Machines))
		if one, err = field.setUp(ctx, fmt.Sprintf("pm2-%d", n), tutorialData, map[string]string{filepath.Join(scratch, "app"): mountedApp, ca: mountedCA}); err != nil {
			return nil, err
		}
		in.PM2.add(one, before)
	}
	return in, nil
}

func (s *Setup) add(m machineFigures, before int64) {
	s.Seconds, s.CPU = append(s.Seconds, m.seconds), append(s.CPU, m.cpu)
	s.Fetched, s.Added = m.fetched, m.disk-before
}

// field is the environment in which machines are created.
type field struct {
	pod            podman.Podman
	rootfs, folder string
}

// prepare writes the files that are mounted into machines, and returns both
// kinds of user-data.
func (f *field) prepare(ctx context.Context, o Options, app App, releases Releases) (escala, pm2 []byte, err error) {
	spec := service.NewSpec()
	spec.Workers.Count = o.Workers
	m := cloudinit.NewMachine(spec)
	m.Agent = releases.Agent.ID
	if escala, err = m.UserData(); err != nil {
		return nil, nil, fmt.Errorf("rendering the machine: %w", err)
	}
	if pm2, err = tutorialUserData(ctx, o.Workers); err != nil {
		return nil, nil, err
	}
	for _, folder := range []string{"store/releases", "store/agents", "app"} {
		if err := os.MkdirAll(filepath.Join(f.folder, folder), 0o755); err != nil {
			return nil, nil, fmt.Errorf("making folders for machines: %w", err)
		}
	}
	release := releases.Services[0]
	if err := copyFile(release.Path, filepath.Join(f.folder, "store", release.Key()), 0o755); err != nil {
		return nil, nil, fmt.Errorf("filling the release store: %w", err)
	}
	if err := copyFile(releases.Agent.Path, filepath.Join(f.folder, "store", cloudinit.AgentKey(m.Agent)), 0o755); err != nil {
		return nil, nil, fmt.Errorf("filling the release store: %w", err)
	}
	if err := os.WriteFile(filepath.Join(f.folder, "store", service.PointerKey), []byte(release.Pointer()), 0o644); err != nil {
		return nil, nil, fmt.Errorf("filling the release store: %w", err)
	}
	return escala, pm2, deployable(app, filepath.Join(f.folder, "app"))
}

// machineFigures holds the figures of one machine.
type machineFigures struct {
	seconds, cpu  float64
	fetched, disk int64
}

// setUp creates a machine, waits until it serves, and removes it.
func (f *field) setUp(ctx context.Context, name string, userData []byte, mounts map[string]string) (figures machineFigures, err error) {
	seed := filepath.Join(f.folder, name)
	if err := os.MkdirAll(seed, 0o755); err != nil {
		return figures, fmt.Errorf("writing user-data: %w", err)
	}
	for file, content := range map[string]string{"user-data": string(userData), "meta-data": "instance-id: " + name + "\nlocal-hostname: " + name + "\n"} {
		if err := os.WriteFile(filepath.Join(seed, file), []byte(content), 0o644); err != nil {
			return figures, fmt.Errorf("writing user-data: %w", err)
		}
	}
	network, err := f.pod.EnsureNetwork(ctx)
	if err != nil {
		return figures, err
	}
	ip, err := f.pod.FreeIP(ctx, network)
	if err != nil {
		return figures, err
	}
	mounts[seed] = "/var/lib/cloud/seed/nocloud"
	began := time.Now()
	if err := f.pod.Run(ctx, podman.Container{
		Name: name, RootFS: f.rootfs, Network: network.Name, IP: ip, Systemd: true, OpenFiles: 16384, Capabilities: []string{"SYS_PTRACE"},
		ReadOnly: mounts, Command: []string{"/sbin/init"},
	}); err != nil {
		return figures, fmt.Errorf("starting machine %s: %w", name, err)
	}
	defer func() {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if removed := f.pod.Remove(cleanup, name, 0); err == nil && removed != nil {
			err = removed
		}
	}()
	said, err := f.pod.Exec(ctx, name, "sh", "-c", watchMachine)
	if err != nil {
		log, _ := f.pod.Exec(context.WithoutCancel(ctx), name, "sh", "-c", "tail -n 20 /var/log/cloud-init-output.log; "+cloudinit.AgentPath+" diagnose 2>/dev/null")
		return figures, fmt.Errorf("machine %s does not serve: %w\n%s", name, err, lastLines(log, 40))
	}
	return parseMachine(said, began)
}

// parseMachine parses the output of machine.sh.
func parseMachine(said string, began time.Time) (machineFigures, error) {
	var at, cpu float64
	var m machineFigures
	if n, err := fmt.Sscan(strings.TrimSpace(said), &at, &cpu, &m.fetched, &m.disk); err != nil {
		return m, fmt.Errorf("reading a machine's figures (%d of 4 in %q): %w", n, said, err)
	}
	m.seconds = at - float64(began.UnixNano())/float64(time.Second)
	m.cpu = cpu / float64(time.Second)
	m.disk <<= 10
	return m, nil
}
