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

// pm2Stack is the tutorial's stack: NestJS under PM2 behind Nginx.
type pm2Stack struct {
	pattern pattern
	app     App
	// home is the folder of PM2's state, separate from any other PM2.
	home    string
	workers int

	port, front int
	daemonPID   int
	nginx       *nginx
}

func newPM2Stack(p pattern, app App, folder string, workers int) *pm2Stack {
	return &pm2Stack{pattern: p, app: app, home: filepath.Join(folder, "pm2-"+string(p)), workers: workers}
}

func (p *pm2Stack) name() string {
	if p.pattern == patternA {
		return "NestJS, PM2 cluster (A)"
	}
	return "NestJS, PM2 fork (B)"
}

func (p *pm2Stack) start(ctx context.Context) (err error) {
	if p.port, err = freePorts(ctx, p.workers+1); err != nil {
		return err
	}
	p.front = p.port + p.workers
	if err := os.MkdirAll(p.home, 0o755); err != nil {
		return fmt.Errorf("making PM2's folder: %w", err)
	}
	defer func() {
		if err != nil {
			p.stop()
		}
	}()
	if p.pattern == patternA {
		err = p.pm2(ctx, []string{"PORT=" + strconv.Itoa(p.port), "WORKERS=" + strconv.Itoa(p.workers)}, "start", "ecosystem.config.js")
	} else {
		for n := range p.workers {
			port := strconv.Itoa(p.port + n)
			// The tutorial passes --exec-mode, but PM2's command line has no
			// such flag, and --instances selects the cluster mode. Without both
			// flags, PM2 uses the fork mode that the tutorial intends.
			if err = p.pm2(ctx, []string{"NODE_ENV=production", "PORT=" + port}, "start", "dist/main.js", "--name", "api-"+port); err != nil {
				break
			}
		}
	}
	if err != nil {
		return err
	}
	pid, err := os.ReadFile(filepath.Join(p.home, "pm2.pid"))
	if err != nil {
		return fmt.Errorf("looking for PM2: %w", err)
	}
	if p.daemonPID, err = strconv.Atoi(strings.TrimSpace(string(pid))); err != nil {
		return fmt.Errorf("looking for PM2: %w", err)
	}
	for _, address := range p.direct() {
		if err := answers(ctx, address, 3*time.Minute, 20*time.Millisecond); err != nil {
			return err
		}
	}
	if p.nginx, err = startNginx(ctx, filepath.Join(p.home, "nginx"), tutorialNginx(p.pattern, p.front, p.direct())); err != nil {
		return err
	}
	return answers(ctx, local(p.front), time.Minute, 20*time.Millisecond)
}

// pm2 runs PM2's command, which talks to its daemon.
func (p *pm2Stack) pm2(ctx context.Context, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(p.app.Folder, "node_modules", ".bin", "pm2"), args...)
	cmd.Dir = p.app.Folder
	// PM2 must not look for a newer version of itself.
	cmd.Env = append(append(os.Environ(), "PM2_HOME="+p.home, "PM2_DISABLE_VERSION_CHECK=true"), env...)
	// The output goes to a file: the daemon inherits it and keeps it open, so a
	// pipe would never end.
	said, err := os.Create(filepath.Join(p.home, "said"))
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

func (p *pm2Stack) stop() {
	if p.nginx != nil {
		p.nginx.stop()
		p.nginx = nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.pm2(ctx, nil, "kill"); err != nil {
		fmt.Fprintln(os.Stderr, errors.Join(errors.New("ending PM2"), err))
	}
	p.daemonPID = 0
}

func (p *pm2Stack) direct() []string {
	if p.pattern == patternA {
		return []string{local(p.port)}
	}
	return inRow(p.port, p.workers)
}

func (p *pm2Stack) proxied() []string { return []string{local(p.front)} }
func (p *pm2Stack) manager() int      { return p.daemonPID }
func (p *pm2Stack) roots() []int      { return []int{p.daemonPID, p.nginx.pid()} }

func (p *pm2Stack) reload(ctx context.Context) error { return p.pm2(ctx, nil, "reload", "all") }
