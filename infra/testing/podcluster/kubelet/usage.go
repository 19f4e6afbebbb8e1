//go:build linux

package kubelet

import (
	"time"

	"github.com/prometheus/procfs"
)

// Usage holds the resources that a container used.
type Usage struct {
	Namespace, Pod, Container string
	// CPU is the processor time since the container's start. Memory is in bytes.
	CPU    time.Duration
	Memory uint64
	// Labels are the labels of the pod. Began is the start of the container.
	Labels map[string]string
	Began  time.Time
}

// Usage returns the current usage of all running containers.
func (k *Kubelet) Usage() []Usage {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []Usage
	for _, w := range k.workers {
		w.mu.Lock()
		for _, c := range w.containers {
			if c.program == nil || !c.state.running() {
				continue
			}
			// A container has a single process: that of the release or of Redis.
			process, err := procfs.NewProc(c.program.PID)
			if err != nil {
				continue
			}
			stat, err := process.Stat()
			if err != nil {
				continue
			}
			all = append(all, Usage{
				Namespace: w.pod.Namespace, Pod: w.pod.Name, Container: c.spec.Name, Labels: w.pod.Labels, Began: c.state.began,
				CPU: time.Duration(stat.CPUTime() * float64(time.Second)), Memory: uint64(stat.ResidentMemory()),
			})
		}
		w.mu.Unlock()
	}
	return all
}
