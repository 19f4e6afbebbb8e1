package service

import "time"

// Scale is the number of pods that a cluster runs. Machines have Workers
// instead.
type Scale struct {
	// Min and Max bound the number of pods, which the autoscaler decides. The
	// same number twice is a fixed number. Default 3 and 10.
	Min int `config:"min"`
	Max int `config:"max"`
	// Replicas is a fixed number of pods, without an autoscaler: instead of Min
	// and Max, which then have to keep their defaults. Default 0, which is none.
	Replicas int `config:"replicas"`
	// CPU is the share of Resources.CPUMillis, in percent, above which pods are
	// added. More than 100 is possible, for the request is no limit. Default 70.
	CPU int `config:"cpu"`
	// Memory is that share of Resources.MemoryMiB; 0 leaves memory out. Go's
	// collector keeps a pod below 90 %, so it has to be lower. Default 80.
	Memory int `config:"memory"`
	// ScaleDown is the time that fewer pods must have been enough before one ends.
	// Default 5 min.
	ScaleDown time.Duration `config:"scaleDown"`
}

// MaxReplicas bounds a typing error, not a cluster.
const MaxReplicas = 1000

// maxScaleDown is the longest stabilization window that Kubernetes takes.
const maxScaleDown = time.Hour

// NewScale returns the defaults.
func NewScale() Scale {
	return Scale{Min: 3, Max: 10, CPU: 70, Memory: 80, ScaleDown: 5 * time.Minute}
}

// Fixed is the number of pods where it is a fixed one, or 0 where the
// autoscaler decides it.
func (s Scale) Fixed() int {
	switch {
	case s.Replicas > 0:
		return s.Replicas
	case s.Min == s.Max:
		return s.Min
	default:
		return 0
	}
}

// Least is the least number of pods.
func (s Scale) Least() int {
	if n := s.Fixed(); n > 0 {
		return n
	}
	return s.Min
}

func (s Scale) check(v *Violations) {
	defaults := NewScale()
	if s.Replicas != 0 {
		if s.Replicas < 1 || s.Replicas > MaxReplicas {
			v.Add("scale.replicas", "%d is not from 1 to %d", s.Replicas, MaxReplicas)
		}
		if s.Min != defaults.Min || s.Max != defaults.Max {
			v.Add("scale.replicas", "is set together with scale.min or scale.max: the autoscaler would take the number back each time; set replicas for a fixed number, or min and max")
		}
	}
	if s.Min < 1 || s.Min > MaxReplicas {
		v.Add("scale.min", "%d is not from 1 to %d", s.Min, MaxReplicas)
	}
	if s.Max < s.Min || s.Max > MaxReplicas {
		v.Add("scale.max", "%d is not from scale.min (%d) to %d", s.Max, s.Min, MaxReplicas)
	}
	if s.CPU < 1 || s.CPU > 1000 {
		v.Add("scale.cpu", "%d is not from 1 to 1000 percent of resources.cpuMillis", s.CPU)
	}
	if s.Memory < 0 || s.Memory >= goMemoryPercent {
		v.Add("scale.memory", "%d is not from 0 (off) to %d percent of resources.memoryMiB: Go keeps below %d %%, so no pod would ever be added", s.Memory, goMemoryPercent-1, goMemoryPercent)
	}
	if s.ScaleDown < 0 || s.ScaleDown > maxScaleDown || s.ScaleDown%time.Second != 0 {
		v.Add("scale.scaleDown", "%s is not a whole number of seconds from 0 to %s", s.ScaleDown, maxScaleDown)
	}
}
