//go:build linux

package kubelet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"escala/infra/testing/kube"
	"escala/infra/testing/podcluster/sandbox"
)

// worker runs one pod on its node.
type worker struct {
	kubelet *Kubelet
	pod     kube.Pod
	began   time.Time

	containers []*container
	// changes has an element if the pod's status may have changed.
	changes chan struct{}
	// ending is closed when the pod must end. shorter receives an element when the
	// grace becomes shorter after that.
	ending  chan struct{}
	shorter chan struct{}

	// finished reports that the pod's processes have ended and its files are
	// removed.
	finished atomic.Bool

	mu      sync.Mutex
	sandbox *sandbox.Pod
	// grace is the time that containers have to end, once ending is closed.
	grace time.Duration
	ended bool
	// deleted reports that the API has deleted the pod.
	deleted bool
	// since maps conditions to their last changes.
	since map[string]transition
	sent  map[string]any
}

// transition is the last change of a condition.
type transition struct {
	status string
	at     time.Time
}

func newWorker(k *Kubelet, p kube.Pod) *worker {
	w := &worker{
		kubelet: k, pod: p, began: time.Now(), changes: make(chan struct{}, 1),
		ending: make(chan struct{}), shorter: make(chan struct{}, 1), since: map[string]transition{},
	}
	for _, spec := range p.Spec.Containers {
		w.containers = append(w.containers, newContainer(w, spec))
	}
	return w
}

// folder returns the folder of the pod's volumes.
func (w *worker) folder() string {
	return filepath.Join(w.kubelet.options.Folder, "pods", string(w.pod.UID))
}

// run runs the pod to its end. When ctx ends, the pod is killed.
func (w *worker) run(ctx context.Context) {
	k := w.kubelet
	reporting := make(chan struct{})
	var reported sync.WaitGroup
	reported.Go(func() { w.report(ctx, reporting) })
	w.changed()

	network, err := k.options.Runtime.StartPod(ctx)
	if err != nil {
		k.failed(fmt.Errorf("pod %s: %w", w.pod.Name, err))
	} else {
		w.mu.Lock()
		w.sandbox = network
		w.mu.Unlock()
		w.changed()
		var running sync.WaitGroup
		for _, c := range w.containers {
			running.Go(func() { c.run(ctx) })
		}
		running.Wait()
	}
	close(reporting)
	reported.Wait()
	if network != nil {
		k.failed(network.Stop())
	}
	k.failed(os.RemoveAll(w.folder()))
	// From here on, a deletion of the pod finds it finished and forgets it.
	w.finished.Store(true)
	w.mu.Lock()
	forget := w.ended && !w.deleted
	w.mu.Unlock()
	if forget && ctx.Err() == nil {
		k.failed(k.deletePod(ctx, w.pod))
	}
}

// deletePod removes a pod that has ended from the API (status/status_manager.go).
func (k *Kubelet) deletePod(ctx context.Context, p kube.Pod) error {
	var now int64
	return k.options.Client.Resource(kube.Pods).Namespace(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &p.UID},
	})
}

// terminate ends the pod's containers. seconds is the grace from the API, or nil.
// The grace can only become shorter, and is at least one second (pod_workers.go,
// calculateEffectiveGracePeriod).
func (w *worker) terminate(seconds *int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	grace := 30 * time.Second
	switch {
	case seconds != nil:
		grace = time.Duration(*seconds) * time.Second
	case w.pod.Spec.TerminationGracePeriodSeconds != nil:
		grace = time.Duration(*w.pod.Spec.TerminationGracePeriodSeconds) * time.Second
	}
	grace = max(grace, time.Second)
	switch {
	case !w.ended:
		w.ended, w.grace = true, grace
		close(w.ending)
	case grace < w.grace:
		w.grace = grace
		select {
		case w.shorter <- struct{}{}:
		default:
		}
	}
}

// removed ends the containers of a pod that the API has deleted.
func (w *worker) removed() {
	w.mu.Lock()
	w.deleted = true
	w.mu.Unlock()
	w.terminate(nil)
}

// kill kills the programs of all containers, and reports whether there were any.
func (w *worker) kill() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	killed := false
	for _, c := range w.containers {
		if c.program != nil {
			c.program.Signal(syscall.SIGKILL)
			killed = true
		}
	}
	return killed
}

// changed records that the status may have changed.
func (w *worker) changed() {
	select {
	case w.changes <- struct{}{}:
	default:
	}
}

// set changes fields of the status.
func (w *worker) set(change func()) {
	w.mu.Lock()
	change()
	w.mu.Unlock()
	w.changed()
}

func (w *worker) isEnding() bool {
	select {
	case <-w.ending:
		return true
	default:
		return false
	}
}

// graceLeft returns the grace of a pod that is ending.
func (w *worker) graceLeft() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.grace
}
