//go:build linux

package kubelet

import (
	"time"

	"github.com/prometheus/procfs"
)

// Usage is what a container used.
type Usage struct {
	Namespace, Pod, Container string
	// CPU is its processor time since its start. Memory is in bytes.
	CPU    time.Duration
	Memory uint64
	// Labels are the pod's.
	Labels map[string]string
	Began  time.Time
}

// Usage returns what all running containers used until now.
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
			// A container is one process: that of the release or of Redis.
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
