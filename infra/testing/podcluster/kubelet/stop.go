//go:build linux

package kubelet

import (
	"context"
	"fmt"
	"net/http"
	"syscall"
	"time"

	"escala/infra/testing/kube"
	"escala/infra/testing/podcluster/sandbox"
)

// minGrace is the minimum time between SIGTERM and SIGKILL, however long preStop
// took.
const minGrace = 2 * time.Second

// stop ends a container: preStop, SIGTERM, SIGKILL (kuberuntime_container.go,
// killContainer). Without grace the container is killed at once. No kubelet does
// that, but here it ends the test's cluster.
func (c *container) stop(ctx context.Context, program *sandbox.Container, grace time.Duration, shorter <-chan struct{}, message string) {
	if grace == 0 {
		program.Signal(syscall.SIGKILL)
		<-program.Done
		return
	}
	w := c.worker
	w.kubelet.event(ctx, w.pod, "Normal", "Killing", message)
	if hook := c.spec.Lifecycle.PreStop; hook != nil {
		began := time.Now()
		grace = c.preStop(ctx, program, *hook, grace, shorter)
		grace -= time.Since(began).Truncate(time.Second)
	}
	grace = max(grace, minGrace)
	program.Signal(syscall.SIGTERM)
	deadline := time.Now().Add(grace)
	for {
		select {
		case <-program.Done:
			return
		case <-shorter:
			deadline = time.Now().Add(min(max(w.graceLeft(), minGrace), time.Until(deadline)))
			continue
		case <-ctx.Done():
		case <-time.After(time.Until(deadline)):
		}
		program.Signal(syscall.SIGKILL)
		<-program.Done
		return
	}
}

// preStop runs the hook for at most the grace, and returns the grace.
func (c *container) preStop(ctx context.Context, program *sandbox.Container, hook kube.Handler, grace time.Duration, shorter <-chan struct{}) time.Duration {
	hooked, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.handle(hooked, program, hook) }()
	select {
	case err := <-done:
		if err != nil && hooked.Err() == nil {
			c.worker.kubelet.event(ctx, c.worker.pod, "Warning", "FailedPreStopHook", "PreStopHook failed")
		}
	case <-hooked.Done():
	case <-shorter:
		return c.worker.graceLeft()
	}
	return grace
}

// handle runs a hook's action (lifecycle/handlers.go).
func (c *container) handle(ctx context.Context, program *sandbox.Container, hook kube.Handler) error {
	switch {
	case hook.Sleep != nil:
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(hook.Sleep.Seconds) * time.Second):
			return nil
		}
	case hook.Exec != nil:
		_, err := program.Exec(ctx, c.user, c.group, hook.Exec.Command...)
		return err
	case hook.HTTPGet != nil:
		resp, err := c.get(ctx, http.DefaultClient, *hook.HTTPGet, "kube-lifecycle/1.33")
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}
	return fmt.Errorf("invalid handler: %v", hook)
}

// probeGrace returns the grace of a container whose probe failed.
func (c *container) probeGrace(probe string) time.Duration {
	of := c.spec.LivenessProbe
	if probe == startup {
		of = c.spec.StartupProbe
	}
	switch {
	case of != nil && of.TerminationGracePeriodSeconds != nil:
		return time.Duration(*of.TerminationGracePeriodSeconds) * time.Second
	case c.worker.pod.Spec.TerminationGracePeriodSeconds != nil:
		return time.Duration(*c.worker.pod.Spec.TerminationGracePeriodSeconds) * time.Second
	}
	return minGrace
}
