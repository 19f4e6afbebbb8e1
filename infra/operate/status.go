package operate

import (
	"fmt"
	"slices"
	"time"

	"escala/service"
	"escala/service/machine"
)

// Status is the status of a stack. `status --json` prints its JSON. A field that is
// not known is absent, and Unknown gives the reason.
type Status struct {
	Stack  string    `json:"stack"`
	Target string    `json:"target"`
	Time   time.Time `json:"time"`
	// Well reports whether there is no problem, and all relevant values are known.
	Well bool   `json:"well"`
	URL  string `json:"url,omitempty"`
	// Wanted is the release that the instances should run.
	Wanted service.ReleaseID `json:"wanted,omitempty"`
	// Instances are the workers of machines, or the pods.
	Instances []Instance `json:"instances"`
	// Machines are the stack's machines. Clusters have none.
	Machines []Machine `json:"machines,omitempty"`
	// Maintenance means that clients get a page instead of the service.
	Maintenance bool `json:"maintenance,omitempty"`
	// Certificate is that of the service's names.
	Certificate *machine.Certificate `json:"certificate,omitempty"`
	// Incident is the last resolved problem.
	Incident string `json:"incident,omitempty"`
	// Problems are the current problems. Unknown lists what could not be queried,
	// with the reasons.
	Problems []string `json:"problems,omitempty"`
	Unknown  []string `json:"unknown,omitempty"`
	// Command is the last run of the release command, on a cluster. It is absent
	// without one.
	Command *CommandRun `json:"command,omitempty"`
	// Pods is the wanted number of a cluster's pods, with an autoscaler's limits.
	Pods *Pods `json:"pods,omitempty"`
	// Cost is the monthly cost of the resources in the state. It is absent if that
	// is not known.
	Cost *Cost `json:"cost,omitempty"`
	// Updated is the last update of the stack. Drift is the last refresh. Its
	// Changes are the resources that differed from the state.
	Updated *Updated `json:"updated,omitempty"`
	Drift   *Updated `json:"drift,omitempty"`
}

// Instance is one worker or pod.
type Instance struct {
	// Name is the pod's name, or the machine's id and the worker's number.
	Name    string            `json:"name"`
	Release service.ReleaseID `json:"release,omitempty"`
	Ready   bool              `json:"ready"`
	// Since is the time of its start.
	Since *time.Time `json:"since,omitempty"`
	// Restarts counts the starts after the first of this release.
	Restarts *int `json:"restarts,omitempty"`
	// MemoryBytes is its resident memory.
	MemoryBytes *int64 `json:"memoryBytes,omitempty"`
	// Trouble is the current failure of the instance, or of a dependency.
	Trouble string `json:"trouble,omitempty"`
}

// Machine is one machine.
type Machine struct {
	ID    string        `json:"id"`
	Phase machine.Phase `json:"phase,omitempty"`
	// Replaced means that an update began to replace the machine. It serves until
	// its successor does.
	Replaced bool `json:"replaced,omitempty"`
	// LastReport is the time of the status, and Age its age by the machine's own clock,
	// in seconds.
	LastReport *time.Time `json:"heard,omitempty"`
	Age        *int64     `json:"ageSeconds,omitempty"`
	// Source is where the status comes from: "http" or "store".
	Source string `json:"source,omitempty"`
	// DiskFree and DiskTotal are in bytes.
	DiskFree  *int64 `json:"diskFreeBytes,omitempty"`
	DiskTotal *int64 `json:"diskTotalBytes,omitempty"`
	// MemoryFree and MemoryTotal are in bytes.
	MemoryFree  *int64 `json:"memoryFreeBytes,omitempty"`
	MemoryTotal *int64 `json:"memoryTotalBytes,omitempty"`
	// Booted is the time of the operating system's start.
	Booted *time.Time `json:"booted,omitempty"`
}

// CommandRun is one run of a release command.
type CommandRun struct {
	// Instance is the name of its Job.
	Instance string            `json:"instance"`
	Release  service.ReleaseID `json:"release,omitempty"`
	Began    time.Time         `json:"began"`
	// Result is "succeeded" or "failed". It is empty while the command runs.
	Result string `json:"result,omitempty"`
	// Seconds is the duration of a run that has ended. It includes the time until
	// its pod started.
	Seconds int `json:"seconds,omitempty"`
	// Text is the reason of a failure.
	Text string `json:"text,omitempty"`
}

// Ended returns the time of the run's end, or that of its begin if it has not ended.
func (r CommandRun) Ended() time.Time { return r.Began.Add(time.Duration(r.Seconds) * time.Second) }

// Cost is an amount a month in US dollars, without costs that depend on use.
type Cost struct {
	// Low and High are the limits of the amount. They differ if resources scale.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Unpriced is the number of resources whose price is not known.
	Unpriced int `json:"unpriced,omitempty"`
}

// Pods are the numbers of a cluster's pods.
type Pods struct {
	Wanted int `json:"wanted"`
	Ready  int `json:"ready"`
	// Min and Max are the autoscaler's limits; 0 without one.
	Min int `json:"min,omitempty"`
	Max int `json:"max,omitempty"`
}

// Updated is the last operation on a stack.
type Updated struct {
	Time    time.Time `json:"time"`
	Kind    string    `json:"kind"`
	Result  string    `json:"result"`
	Changes int       `json:"changes"`
	// Drifted names the resources that differed, if a refresh recorded them.
	Drifted string `json:"drifted,omitempty"`
	Who     string `json:"who,omitempty"`
	Seconds int    `json:"seconds"`
}

// Begin returns the status of a stack whose state alone is known.
func Begin(s *Stack, now time.Time) Status {
	return Status{
		Stack: s.Project + "/" + s.Name, Target: s.Target, Time: now.UTC().Truncate(time.Second), URL: Plain(s.Text("url")),
		Wanted: ID(service.ReleaseID(s.Text("release"))), Instances: []Instance{},
	}
}

// Problem adds a current problem, once.
func (s *Status) Problem(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(s.Problems, text) {
		s.Problems = append(s.Problems, text)
	}
}

// NotKnown adds something that could not be queried.
func (s *Status) NotKnown(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(s.Unknown, text) {
		s.Unknown = append(s.Unknown, text)
	}
}

// End sets Well: there is no problem, and at least one instance was seen to serve.
func (s *Status) End() { s.Well = len(s.Problems) == 0 && len(s.Instances) > 0 }
