// Package process runs the conformance suite against api cluster as a process
// on this computer, without a machine around it. A release replaces the
// program's file and sends SIGHUP. The package needs no root.
package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"escala/infra/testing/conformance"
	"escala/infra/testing/conformance/source"
	"escala/service/status"
)

// workers is the number of worker processes.
const workers = 2

// System is the process target. Make one with New.
type System struct {
	root   string // the clone
	folder string // all files of this run
	clone  source.Clone
	// program is the path that the primary runs. built is the good release with
	// nothing appended.
	program, built string
	primary, redis *supervised
	port           int
	// wanted is the release that was installed last. It is atomic because
	// Status may read it at any time.
	wanted atomic.Pointer[string]
	// good holds the paths of the good releases, the latest last.
	good   []string
	killed int // the worker that was killed last
}

var _ conformance.System = (*System)(nil)

// New returns the target for the clone at root.
func New(root string) *System { return &System{root: root} }

func (*System) Name() string { return "process" }

func (s *System) runDir() string { return filepath.Join(s.folder, "run") }

func (s *System) Start(ctx context.Context) (conformance.Endpoint, error) {
	none := conformance.Endpoint{}
	var err error
	// The path is short because a Unix socket's path is limited to 107 bytes.
	if s.folder, err = os.MkdirTemp("", "cp"); err != nil {
		return none, fmt.Errorf("making a folder: %w", err)
	}
	if s.clone, err = source.NewClone(s.root, filepath.Join(s.folder, "clone")); err != nil {
		return none, err
	}
	if s.built, err = s.build(ctx, "good"); err != nil {
		return none, err
	}
	s.program = filepath.Join(s.folder, "api")
	if err := s.install(ctx, s.built, "the first release"); err != nil {
		return none, err
	}
	if s.port, err = freePort(); err != nil {
		return none, err
	}
	env, about, err := s.startRedis(ctx)
	if err != nil {
		return none, err
	}
	s.primary = supervise(command{
		path: s.program, args: []string{"cluster"}, log: filepath.Join(s.folder, "cluster.log"),
		env: append(env,
			fmt.Sprintf("PORT=%d", s.port), "HOST=127.0.0.1", fmt.Sprintf("WORKERS=%d", workers),
			status.EnvRunDir+"="+s.runDir(),
			// No proxy keeps idle connections here, and the suite has few
			// clients, so short times are enough.
			"DRAIN_LINGER=1s", "DRAIN_CLOSE_JITTER=1s", "DRAIN_TIMEOUT=10s", "START_TIMEOUT=5s",
		),
	})
	if err := s.awaitServing(ctx, *s.wanted.Load(), 30*time.Second); err != nil {
		return none, err
	}
	return conformance.Endpoint{
		URL:                 fmt.Sprintf("http://127.0.0.1:%d", s.port),
		TrustsClientHeaders: "there is no proxy: a client on this computer is what the workers take for one, and believe",
		Rooms:               s.redis != nil,
		About: fmt.Sprintf("api cluster with %d workers on one socket, without a proxy: clients reach the workers themselves. "+
			"A release is a new file and SIGHUP. What systemd does with Restart=always, the suite does: it starts the primary again 100 ms after its end. %s", workers, about),
	}, nil
}

// startRedis starts Debian's Redis if it is installed. Without Redis the
// service has no rooms.
func (s *System) startRedis(ctx context.Context) (env []string, about string, err error) {
	path, err := exec.LookPath("redis-server")
	if errors.Is(err, exec.ErrNotFound) {
		return nil, "There is no redis-server on this computer, so there are no WebSocket rooms.", nil
	} else if err != nil {
		return nil, "", fmt.Errorf("looking for redis-server: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	s.redis = supervise(command{
		path: path, log: filepath.Join(s.folder, "redis.log"),
		args: []string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.folder},
	})
	if err := awaitPort(ctx, port); err != nil {
		return nil, "", err
	}
	return []string{fmt.Sprintf("REDIS_URL=redis://127.0.0.1:%d/0", port), "ROOMS=true"}, "Rooms reach each other over Redis.", nil
}

func (s *System) Stop(context.Context) error {
	var err error
	for _, k := range []*supervised{s.primary, s.redis} {
		if k != nil {
			err = errors.Join(err, k.stop(40*time.Second))
		}
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

func (s *System) Status(ctx context.Context) (conformance.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var c status.Report
	if err := status.Read(ctx, filepath.Join(s.runDir(), status.PrimarySocket), &c); err != nil {
		return conformance.Status{}, err
	}
	out := conformance.Status{Wanted: *s.wanted.Load(), Workers: workers, Incident: c.Incident}
	missing := ""
	for _, w := range c.Workers {
		// Each incident begins with its time, so the greatest is the latest.
		out.Incident = max(out.Incident, w.Incident)
		if w.Trouble != "" {
			missing = w.Trouble
		}
		switch {
		case w.Draining:
			// If the worker has a successor, it is in the same list.
		case !w.Ready:
			missing = fmt.Sprintf("worker %d is %s", w.Worker, w.State)
		default:
			if out.Ready++; out.Ready == 1 {
				out.Serving = w.Release
			} else if w.Release != out.Serving {
				out.Serving = ""
			}
		}
	}
	out.Ready = min(out.Ready, workers) // during a replacement there may be one worker more
	switch rolling := c.Roll != nil && c.Roll.State == "rolling"; {
	case c.Roll != nil && c.Roll.State == "aborted" && c.Roll.Release == *s.wanted.Load():
		out.Reason = c.Roll.Error
	case !rolling:
		out.Reason = missing
	}
	return out, nil
}

func (s *System) Inject(ctx context.Context, fault conformance.Fault) (conformance.Injection, error) {
	switch fault {
	case conformance.KillWorker:
		return s.killWorker(ctx)
	case conformance.KillSupervisor:
		return conformance.Injection{At: time.Now()}, s.primary.signal(syscall.SIGKILL)
	case conformance.KillRedis:
		if s.redis == nil {
			return conformance.Injection{}, conformance.NotApplicable("there is no redis-server on this computer")
		}
		return conformance.Injection{At: time.Now()}, s.redis.signal(syscall.SIGKILL)
	case conformance.KillSupervisorOften:
		return s.primary.killOften(ctx)
	case conformance.KillRedisOften:
		if s.redis == nil {
			return conformance.Injection{}, conformance.NotApplicable("there is no redis-server on this computer")
		}
		return s.redis.killOften(ctx)
	case conformance.HangRedis:
		if s.redis == nil {
			return conformance.Injection{}, conformance.NotApplicable("there is no redis-server on this computer")
		}
		return conformance.Injection{At: time.Now(), Heal: func(context.Context) error { return s.redis.signal(syscall.SIGCONT) }}, s.redis.signal(syscall.SIGSTOP)
	case conformance.HangLogReader:
		s.primary.stopReading()
		return conformance.Injection{At: time.Now(), Heal: s.primary.readLog}, nil
	case conformance.KillProxyOften, conformance.TakePort:
		return conformance.Injection{}, conformance.NotApplicable("there is no proxy: clients reach the workers themselves")
	case conformance.KillFollowerOften, conformance.OtherPointer:
		return conformance.Injection{}, conformance.NotApplicable("there is no follower: the operator puts the file in place")
	case conformance.FillInodes:
		return conformance.Injection{}, conformance.NotApplicable("a release is one file that the operator puts in place, and the operator watches the disk")
	case conformance.UpgradeSupervisor:
		return conformance.Injection{}, conformance.NotApplicable("the supervisor is the service's own primary: its upgrade is a release")
	case conformance.KillProxy:
		return conformance.Injection{}, conformance.NotApplicable("there is no proxy: clients reach the workers themselves")
	case conformance.Reboot:
		return conformance.Injection{}, conformance.NotApplicable("there is no machine of its own")
	case conformance.FillDisk:
		return conformance.Injection{}, conformance.NotApplicable("a release is one file that the operator puts in place, and the operator watches the disk")
	case conformance.HideStore, conformance.KillFollower:
		return conformance.Injection{}, conformance.NotApplicable("there is no follower: the operator puts the file in place")
	}
	return conformance.Injection{}, conformance.NotApplicable("a process knows no %s", fault)
}

// killWorker kills the workers in turn.
func (s *System) killWorker(ctx context.Context) (conformance.Injection, error) {
	var c status.Report
	if err := status.Read(ctx, filepath.Join(s.runDir(), status.PrimarySocket), &c); err != nil {
		return conformance.Injection{}, err
	}
	s.killed = (s.killed + 1) % workers
	for _, w := range c.Workers {
		if w.Worker == s.killed && w.Ready {
			return conformance.Injection{At: time.Now()}, syscall.Kill(w.PID, syscall.SIGKILL)
		}
	}
	return conformance.Injection{}, fmt.Errorf("worker %d is not ready, so it cannot be killed", s.killed)
}

// freePort returns a loopback port that is currently free.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it ends at once
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func awaitPort(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for port %d: %w", port, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
