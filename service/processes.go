package service

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Process is a process of the service that is not a worker, such as a consumer of
// a queue. It runs the same release as the workers, with the same environment and
// secrets, and has no port.
type Process struct {
	// Command is the command in the folder of the release. If its first word is
	// the service's name, it starts the release's own program: [api, consume].
	Command []string `config:"command"`
	// Count is the number of these processes, per machine or in the whole
	// cluster. On machines, the environment variable WORKER has the number of
	// each, from 0. Default 1.
	Count int `config:"count"`
	// Stop is the time between SIGTERM and SIGKILL. Default 30 s.
	Stop time.Duration `config:"stop"`
	// MemoryMiB is the memory limit of each process, in MiB. Default 0, which
	// means Resources.MemoryMiB.
	MemoryMiB int `config:"memoryMiB"`
}

// SetDefaults sets the defaults.
func (p *Process) SetDefaults() { *p = Process{Count: 1, Stop: 30 * time.Second} }

// Limits of the processes and schedules.
const (
	maxTasks      = 16
	maxTaskCount  = 64
	minTaskMemory = 16 // MiB
	// maxTaskName is the longest name of a CronJob, which is the service's name
	// and the schedule's name: Kubernetes allows 52 characters.
	maxTaskName = 52
	maxTaskStop = time.Hour
)

// reservedTasks are names that have another meaning: the objects of Redis in a
// cluster, and the workers in `make run` and logs.
var reservedTasks = []string{"redis", "release", "service", "worker", "workers"}

// Memory returns the memory limit of a process or of a schedule's run, in MiB.
// own is its MemoryMiB; 0 means the default.
func (s Spec) Memory(own int) int {
	if own != 0 {
		return own
	}
	return s.Resources.MemoryMiB
}

// GoMemory returns the value of EnvGoMemory for a process with this much memory,
// in MiB.
func GoMemory(mib int) string { return fmt.Sprintf("%dMiB", mib*goMemoryPercent/100) }

// TaskNames returns the names of all processes and schedules, sorted.
func (s Spec) TaskNames() []string {
	return slices.Sorted(maps.Keys(s.tasks()))
}

// tasks returns the commands of all processes and schedules.
func (s Spec) tasks() map[string][]string {
	all := map[string][]string{}
	for name, p := range s.Processes {
		all[name] = p.Command
	}
	for name, one := range s.Schedule {
		all[name] = one.Command
	}
	return all
}

// TasksMemory returns the memory limit in MiB of all processes together with one
// run of each schedule.
func (s Spec) TasksMemory() int {
	mib := 0
	for _, p := range s.Processes {
		mib += p.Count * s.Memory(p.MemoryMiB)
	}
	for _, one := range s.Schedule {
		mib += s.Memory(one.MemoryMiB)
	}
	return mib
}

func (s Spec) checkProcesses(v *Violations) {
	if n := len(s.Processes) + len(s.Schedule); n > maxTasks {
		v.Add("processes", "are %d with those of schedule, and %d are the most", n, maxTasks)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Processes)) {
		p, at := s.Processes[name], "processes."+name
		s.checkTask(v, at, name, p.Command, p.MemoryMiB)
		if p.Count < 1 || p.Count > maxTaskCount {
			v.Add(at+".count", "%d is not from 1 to %d; a process that should not run is taken out", p.Count, maxTaskCount)
		}
		if p.Stop < time.Second || p.Stop > maxTaskStop || p.Stop%time.Second != 0 {
			v.Add(at+".stop", "%s is not a whole number of seconds from 1s to %s", p.Stop, maxTaskStop)
		}
		if _, both := s.Schedule[name]; both {
			v.Add(at, "is the name of a schedule too; rename one, since `make run NAME=%s` and their logs need one name for one thing", name)
		}
	}
}

// checkTask checks the settings that processes and schedules share.
func (s Spec) checkTask(v *Violations, at, name string, command []string, memory int) {
	switch {
	case !dnsLabel.MatchString(name) || strings.Contains(name, "--"):
		v.Add(at, "is not a name of 1 to 32 lower-case letters, digits and single hyphens that starts with a letter")
	case slices.Contains(reservedTasks, name) || name == s.Name:
		v.Add(at, "has a name that is taken; choose another one")
	case len(s.Name)+1+len(name) > maxTaskName:
		v.Add(at, "has a name that is too long: %s-%s has %d characters, and %d are the most", s.Name, name, len(s.Name)+1+len(name), maxTaskName)
	}
	if memory != 0 && memory < minTaskMemory {
		v.Add(at+".memoryMiB", "%d is below %d; 0 is resources.memoryMiB", memory, minTaskMemory)
	}
	if len(command) == 0 {
		v.Add(at+".command", "is not set; for example [%s, %s]", s.Name, name)
		return
	}
	s.checkArguments(v, at+".command", command)
}
