package conformance

import (
	"context"
	"time"
)

// Fault is a failure that the suite causes in a running system.
type Fault string

// Each kill sends SIGKILL to one process without a warning.
const (
	// KillWorker kills one process that serves requests (a pod's, on
	// Kubernetes). Each kill hits another process.
	KillWorker Fault = "kill worker"
	// KillSupervisor kills the process that restarts workers: supervisord, the
	// primary of api cluster, the kubelet.
	KillSupervisor Fault = "kill supervisor"
	// KillProxy kills the proxy between clients and workers: Nginx's master
	// process, the ingress controller.
	KillProxy Fault = "kill proxy"
	KillRedis Fault = "kill redis"
	// Reboot restarts the machine as its operator would.
	Reboot Fault = "reboot"
	// FillDisk leaves no space for another release until the fault is healed.
	FillDisk Fault = "fill disk"
	// HideStore makes the release store unreachable until the fault is healed.
	HideStore Fault = "hide store"
	// KillFollower kills the process that brings releases to the machine, at
	// any point of its work. The suite does so repeatedly during one release.
	KillFollower Fault = "kill follower"
)

// Injection describes an injected fault.
type Injection struct {
	// At is the time at which the fault took effect, as precisely as the system
	// knows it. Zero means the time at which Inject returned.
	At time.Time
	// Heal ends the fault. It is called once, even after a failed check. It is
	// nil for a momentary fault such as a kill, from which the system must
	// recover by itself.
	Heal func(context.Context) error
}
