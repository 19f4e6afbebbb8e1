package service

import "time"

// Scale is the number of pods that a cluster runs. Machines have Workers
// instead.
type Scale struct {
	// Min and Max are the autoscaler's limits of the number of pods. Equal
	// limits fix the number. Default 3 and 10.
	Min int `config:"min"`
	Max int `config:"max"`
	// Replicas is a fixed number of pods, without an autoscaler. Min and Max
	// must then keep their defaults. Default 0, which means that the autoscaler
	// decides.
	Replicas int `config:"replicas"`
	// CPU is the share of Resources.CPUMillis, in percent, above which pods are
	// added. It may exceed 100, because the request is not a limit. Default 70.
	CPU int `config:"cpu"`
	// Memory is the share of Resources.MemoryMiB, in percent, above which pods
	// are added; 0 ignores memory. Go's collector keeps a pod below 90 %, so
	// Memory must be lower. Default 80.
	Memory int `config:"memory"`
	// ScaleDown is the time for which fewer pods must be sufficient before a pod
	// ends. Default 5 min.
	ScaleDown time.Duration `config:"scaleDown"`
}

// MaxReplicas is the largest number of pods. It catches typing errors and is not
// the limit of a cluster.
const MaxReplicas = 1000

// maxScaleDown is the longest stabilization window that Kubernetes accepts.
const maxScaleDown = time.Hour

// NewScale returns the defaults.
func NewScale() Scale {
	return Scale{Min: 3, Max: 10, CPU: 70, Memory: 80, ScaleDown: 5 * time.Minute}
}

// Fixed returns the number of pods if it is fixed, or 0 if the autoscaler
// decides it.
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

// MinPods returns the smallest number of pods.
func (s Scale) MinPods() int {
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
