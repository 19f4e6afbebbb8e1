package pm2

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"escala/infra/testing/bench/proctree"
)

// clustered is the service without the other programs of a machine: `api
// cluster`, the counterpart of the tutorial's own cluster file.
type clustered struct {
	releases Releases
	workers  int

	folder string
	port   int
	daemon *daemon
}

func newClustered(releases Releases, workers int) *clustered {
	return &clustered{releases: releases, workers: workers}
}

func (c *clustered) name() string { return "escala, api cluster" }

func (c *clustered) start(ctx context.Context) (err error) {
	if c.port, err = freePorts(ctx, 1); err != nil {
		return err
	}
	if c.folder, err = os.MkdirTemp("", "esc"); err != nil {
		return fmt.Errorf("making the cluster's folder: %w", err)
	}
	binary := filepath.Join(c.folder, "api")
	if err := os.Symlink(c.releases.Services[0].Path, binary); err != nil {
		return fmt.Errorf("installing the release: %w", err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), binary, "cluster")
	cmd.Env = append(os.Environ(), "HOST=127.0.0.1", "PORT="+strconv.Itoa(c.port), "WORKERS="+strconv.Itoa(c.workers), "RUN_DIR="+filepath.Join(c.folder, "run"), "LOG_LEVEL=error")
	if c.daemon, err = launch(cmd); err != nil {
		return err
	}
	if err := c.allReady(ctx); err != nil {
		c.stop()
		return err
	}
	return nil
}

func (c *clustered) allReady(ctx context.Context) error {
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		cmd := exec.CommandContext(ctx, c.releases.Services[0].Path, "status", "--dir", filepath.Join(c.folder, "run"))
		said, err := cmd.CombinedOutput()
		if err == nil {
			return nil
		}
		if time.Since(began) > time.Minute {
			return fmt.Errorf("waiting for the workers: %w\n%s", err, lastLines(string(said), 6))
		}
	}
}

func (c *clustered) stop() {
	c.daemon.end(syscall.SIGTERM, 30*time.Second)
	if err := os.RemoveAll(c.folder); err != nil {
		fmt.Fprintln(os.Stderr, "removing the cluster's folder:", err)
	}
}

func (c *clustered) direct() []string  { return []string{local(c.port)} }
func (c *clustered) proxied() []string { return nil }
func (c *clustered) manager() int      { return c.daemon.pid() }
func (c *clustered) roots() []int      { return []int{c.daemon.pid()} }

// reload tells the primary to replace its workers and waits until each worker
// is a new process.
func (c *clustered) reload(ctx context.Context) error {
	before, err := workersOf(c)
	if err != nil {
		return err
	}
	if err := c.daemon.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return fmt.Errorf("asking the primary for a reload: %w", err)
	}
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		now, err := workersOf(c)
		if err != nil {
			return err
		}
		if len(now) == c.workers && disjoint(before, now) {
			return c.allReady(ctx)
		}
		if time.Since(began) > 2*time.Minute || ctx.Err() != nil {
			return fmt.Errorf("the primary has not replaced its workers: %v, before %v", now, before)
		}
	}
}

// workersOf returns the processes that the stack's manager started.
func workersOf(s stack) ([]int, error) {
	workers, err := proctree.Children(s.manager())
	if err != nil {
		return nil, fmt.Errorf("looking for workers: %w", err)
	}
	return workers, nil
}

func disjoint(a, b []int) bool {
	seen := map[int]bool{}
	for _, n := range a {
		seen[n] = true
	}
	for _, n := range b {
		if seen[n] {
			return false
		}
	}
	return true
}
