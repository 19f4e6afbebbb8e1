package process

import (
	"context"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"escala/infra/testing/conformance"
)

// killOften kills the program again and again, each time as soon as it runs
// again.
func (k *supervised) killOften(ctx context.Context) (conformance.Injection, error) {
	var last *exec.Cmd
	var kills []time.Time
	for range conformance.QuickDeaths {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		cmd, err := k.next(ctx, last)
		cancel()
		if err != nil {
			return conformance.Injection{}, err
		}
		kills = append(kills, time.Now())
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			return conformance.Injection{}, fmt.Errorf("killing %s: %w", k.path, err)
		}
		last = cmd
	}
	return conformance.Injection{At: kills[len(kills)-1], Kills: kills}, nil
}

// next waits until another process than the last one runs.
func (k *supervised) next(ctx context.Context, last *exec.Cmd) (*exec.Cmd, error) {
	for {
		k.mu.Lock()
		cmd := k.cmd
		k.mu.Unlock()
		if cmd != nil && cmd != last && cmd.Process != nil {
			return cmd, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for %s to run again: %w", k.path, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}
