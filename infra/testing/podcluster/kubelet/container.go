//go:build linux

package kubelet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"escala/infra/testing/kube"
	"escala/infra/testing/podcluster/sandbox"
)

// These are the reasons of containers that do not run.
const (
	creating      = "ContainerCreating"
	configError   = "CreateContainerConfigError"
	pullFailed    = "ErrImagePull"
	pullBackOff   = "ImagePullBackOff"
	crashBackOff  = "CrashLoopBackOff"
	startError    = "StartError"
	startFailed   = 128 // exit code of a program that cannot be started
	resync        = 10 * time.Second
	relist        = time.Second
	pullErrorSeen = 2 * time.Second
)

// container is one container of a pod, over all its restarts.
type container struct {
	worker *worker
	spec   kube.Container
	logs   *logs
	// unhealthy receives the name of a probe that failed so often that the container
	// must be restarted.
	unhealthy chan string

	user, group int
	image       unpacked

	// The worker's mutex guards the fields below.
	state, last    state
	restarts       int
	started, ready bool
	id             string
	program        *sandbox.Container
}

// state is a container's state: it waits, runs or has ended.
type state struct {
	waiting, message string
	began, ended     time.Time
	exitCode         int
	reason           string
}

func newContainer(w *worker, spec kube.Container) *container {
	return &container{worker: w, spec: spec, logs: &logs{gate: &w.kubelet.reading}, unhealthy: make(chan string, 1), state: state{waiting: creating}}
}

// run runs the container until its pod ends or its restart policy ends it.
func (c *container) run(ctx context.Context) {
	w := c.worker
	pulls, crashes := backOff{}, backOff{}
	for ctx.Err() == nil && !w.isEnding() {
		if !c.pull(ctx, &pulls) {
			return
		}
		root, err := c.prepare(ctx)
		if err != nil {
			w.set(func() { c.state = state{waiting: configError, message: err.Error()} })
			w.kubelet.event(ctx, w.pod, "Warning", "Failed", "Error: "+err.Error())
			w.pause(ctx, resync)
			continue
		}
		program, ended := c.runOnce(ctx, root)
		policy := w.pod.Spec.RestartPolicy
		final := ctx.Err() != nil || w.isEnding() || policy == "Never" || policy == "OnFailure" && ended.exitCode == 0
		if program != nil && !final {
			// The kubelet learns of an end at its next relist.
			w.pause(ctx, time.Duration(rand.Int64N(int64(relist))))
			final = w.isEnding()
		}
		wait := crashes.next(ended.ended)
		w.set(func() {
			c.state, c.started, c.ready, c.program = ended, false, false, nil
			if !final && wait > 0 {
				c.last = ended
				c.state = state{waiting: crashBackOff, message: fmt.Sprintf("back-off %s restarting failed container=%s pod=%s_%s(%s)", wait, c.spec.Name, w.pod.Name, w.pod.Namespace, w.pod.UID)}
			}
		})
		if final {
			return
		}
		if wait > 0 {
			w.kubelet.event(ctx, w.pod, "Warning", "BackOff", fmt.Sprintf("Back-off restarting failed container %s in pod %s_%s(%s)", c.spec.Name, w.pod.Name, w.pod.Namespace, w.pod.UID))
			w.pause(ctx, time.Until(ended.ended.Add(wait)))
		}
		if ctx.Err() != nil || w.isEnding() {
			w.set(func() { c.state = ended })
			return
		}
		crashes.begin()
		w.set(func() { c.last = ended; c.restarts++ })
	}
}

// pause waits for d, until the pod must end, or until ctx ends.
func (w *worker) pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-w.ending:
	case <-time.After(d):
	}
}

// pull repeats the image pull until it succeeds. It returns false if the pod must
// end.
func (c *container) pull(ctx context.Context, pulls *backOff) bool {
	w := c.worker
	for ctx.Err() == nil && !w.isEnding() {
		var logins []string
		for _, secret := range w.pod.Spec.ImagePullSecrets {
			// If the secret does not exist, a kubelet tries without a login.
			if data, err := w.data(ctx, kube.Secrets, secret.Name, true); err == nil && data[".dockerconfigjson"] != "" {
				logins = append(logins, data[".dockerconfigjson"])
			}
		}
		image, err := w.kubelet.images.pull(ctx, c.spec.Image, logins)
		if err == nil {
			w.set(func() { c.image = image })
			return true
		}
		failed := time.Now()
		w.set(func() { c.state = state{waiting: pullFailed, message: err.Error()} })
		w.kubelet.event(ctx, w.pod, "Warning", "Failed", fmt.Sprintf("Failed to pull image %q: %s", c.spec.Image, err))
		w.kubelet.event(ctx, w.pod, "Warning", "Failed", "Error: "+pullFailed)
		w.pause(ctx, pullErrorSeen)
		pulls.begin()
		wait := pulls.next(failed)
		w.set(func() {
			c.state = state{waiting: pullBackOff, message: fmt.Sprintf("Back-off pulling image %q: %s", c.spec.Image, err)}
		})
		w.kubelet.event(ctx, w.pod, "Normal", "BackOff", fmt.Sprintf("Back-off pulling image %q", c.spec.Image))
		w.pause(ctx, time.Until(failed.Add(wait)))
	}
	return false
}

// runOnce runs the container's program until it ends.
func (c *container) runOnce(ctx context.Context, spec sandbox.Spec) (*sandbox.Container, state) {
	w := c.worker
	began := time.Now()
	c.logs.restart()
	program, err := w.sandbox.Start(spec, c.memory(), c.logs)
	if err != nil {
		w.kubelet.event(ctx, w.pod, "Warning", "Failed", "Error: failed to create containerd task: "+err.Error())
		return nil, state{began: began, ended: time.Now(), exitCode: startFailed, reason: startError, message: err.Error()}
	}
	w.kubelet.event(ctx, w.pod, "Normal", "Started", "Started container "+c.spec.Name)
	w.set(func() {
		c.state, c.program = state{began: began}, program
		c.id = fmt.Sprintf("containerd://%016x%016x", rand.Uint64(), rand.Uint64())
	})
	probing, stop := context.WithCancel(ctx)
	var probes sync.WaitGroup
	probes.Go(func() { c.probe(probing, began) })
	select {
	case <-program.Done:
	case name := <-c.unhealthy:
		c.stop(ctx, program, c.probeGrace(name), nil, fmt.Sprintf("Container %s failed %s probe, will be restarted", c.spec.Name, name))
	case <-w.ending:
		c.stop(ctx, program, w.graceLeft(), w.shorter, "Stopping container "+c.spec.Name)
	case <-ctx.Done():
		c.stop(ctx, program, 0, nil, "")
	}
	stop()
	probes.Wait()
	select { // discard a verdict about the program that has ended
	case <-c.unhealthy:
	default:
	}
	ended := state{began: began, ended: time.Now(), exitCode: program.ExitCode(), reason: "Completed"}
	if ended.exitCode != 0 {
		ended.reason = "Error"
		if c.spec.TerminationMessagePolicy == "FallbackToLogsOnError" {
			ended.message = c.logs.tail(80, 2048)
		}
	}
	if program.OutOfMemory() {
		ended.reason = "OOMKilled"
	}
	return program, ended
}
