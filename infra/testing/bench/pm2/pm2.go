package pm2

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// pattern is a way in which the tutorial runs its service on a machine.
type pattern string

const (
	// patternA is PM2's cluster mode: the workers share one port.
	patternA pattern = "A"
	// patternB is PM2's fork mode: one port per worker, and Nginx in front of
	// them.
	patternB pattern = "B"
)

// theirs is the tutorial's stack: NestJS under PM2 behind Nginx.
type theirs struct {
	pattern pattern
	app     App
	// home is the folder of PM2's state, separate from any other PM2.
	home    string
	workers int

	port, front int
	daemonPID   int
	nginx       *nginx
}

func newTheirs(p pattern, app App, folder string, workers int) *theirs {
	return &theirs{pattern: p, app: app, home: filepath.Join(folder, "pm2-"+string(p)), workers: workers}
}

func (t *theirs) name() string {
	if t.pattern == patternA {
		return "NestJS, PM2 cluster (A)"
	}
	return "NestJS, PM2 fork (B)"
}

func (t *theirs) start(ctx context.Context) (err error) {
	if t.port, err = freePorts(ctx, t.workers+1); err != nil {
		return err
	}
	t.front = t.port + t.workers
	if err := os.MkdirAll(t.home, 0o755); err != nil {
		return fmt.Errorf("making PM2's folder: %w", err)
	}
	defer func() {
		if err != nil {
			t.stop()
		}
	}()
	if t.pattern == patternA {
		err = t.pm2(ctx, []string{"PORT=" + strconv.Itoa(t.port), "WORKERS=" + strconv.Itoa(t.workers)}, "start", "ecosystem.config.js")
	} else {
		for n := range t.workers {
			port := strconv.Itoa(t.port + n)
			// The tutorial passes --exec-mode, but PM2's command line has no
			// such flag, and --instances selects the cluster mode. Without both
			// flags, PM2 uses the fork mode that the tutorial intends.
			if err = t.pm2(ctx, []string{"NODE_ENV=production", "PORT=" + port}, "start", "dist/main.js", "--name", "api-"+port); err != nil {
				break
			}
		}
	}
	if err != nil {
		return err
	}
	pid, err := os.ReadFile(filepath.Join(t.home, "pm2.pid"))
	if err != nil {
		return fmt.Errorf("looking for PM2: %w", err)
	}
	if t.daemonPID, err = strconv.Atoi(strings.TrimSpace(string(pid))); err != nil {
		return fmt.Errorf("looking for PM2: %w", err)
	}
	for _, address := range t.direct() {
		if err := answers(ctx, address, 3*time.Minute, 20*time.Millisecond); err != nil {
			return err
		}
	}
	if t.nginx, err = startNginx(ctx, filepath.Join(t.home, "nginx"), tutorialNginx(t.pattern, t.front, t.direct())); err != nil {
		return err
	}
	return answers(ctx, local(t.front), time.Minute, 20*time.Millisecond)
}

// pm2 runs PM2's command, which talks to its daemon.
func (t *theirs) pm2(ctx context.Context, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(t.app.Folder, "node_modules", ".bin", "pm2"), args...)
	cmd.Dir = t.app.Folder
	// PM2 must not look for a newer version of itself.
	cmd.Env = append(append(os.Environ(), "PM2_HOME="+t.home, "PM2_DISABLE_VERSION_CHECK=true"), env...)
	// The output goes to a file: the daemon inherits it and keeps it open, so a
	// pipe would never end.
	said, err := os.Create(filepath.Join(t.home, "said"))
	if err != nil {
		return fmt.Errorf("running PM2: %w", err)
	}
	defer said.Close()
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Run(); err != nil {
		what, _ := os.ReadFile(said.Name())
		return fmt.Errorf("pm2 %s: %w\n%s", args[0], err, lastLines(string(what), 8))
	}
	return nil
}

func (t *theirs) stop() {
	if t.nginx != nil {
		t.nginx.stop()
		t.nginx = nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := t.pm2(ctx, nil, "kill"); err != nil {
		fmt.Fprintln(os.Stderr, errors.Join(errors.New("ending PM2"), err))
	}
	t.daemonPID = 0
}

func (t *theirs) direct() []string {
	if t.pattern == patternA {
		return []string{local(t.port)}
	}
	return inRow(t.port, t.workers)
}

func (t *theirs) proxied() []string { return []string{local(t.front)} }
func (t *theirs) manager() int      { return t.daemonPID }
func (t *theirs) roots() []int      { return []int{t.daemonPID, t.nginx.pid()} }

func (t *theirs) reload(ctx context.Context) error { return t.pm2(ctx, nil, "reload", "all") }
