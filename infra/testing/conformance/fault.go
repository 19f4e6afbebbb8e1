package conformance

import (
	"context"
	"time"
)

// Fault is something that befalls a running system.
type Fault string

// A kill is SIGKILL, to one process, without a warning.
const (
	// KillWorker kills one process (a pod's, on Kubernetes) that serves
	// requests, each time another one.
	KillWorker Fault = "kill worker"
	// KillSupervisor kills what starts workers again: supervisord, the primary
	// of api cluster, the kubelet.
	KillSupervisor Fault = "kill supervisor"
	// KillProxy kills what stands between clients and workers: Nginx's master
	// process, the ingress controller.
	KillProxy Fault = "kill proxy"
	// KillRedis kills Redis.
	KillRedis Fault = "kill redis"
	// Reboot restarts the machine, as its operator would.
	Reboot Fault = "reboot"
	// FillDisk leaves no room for another release until it is healed.
	FillDisk Fault = "fill disk"
	// HideStore makes the release store unreachable until it is healed.
	HideStore Fault = "hide store"
	// KillFollower kills what brings releases to the machine, wherever in its
	// work it is. The suite does it again and again during one release.
	KillFollower Fault = "kill follower"
)

// Injection is a fault that was injected.
type Injection struct {
	// At is when it took effect, as precisely as the system knows. Zero: when
	// Inject returned.
	At time.Time
	// Heal ends the fault and is called once, also after a failed check. It is
	// nil for a fault that is over with the deed, such as a kill: from that the
	// system must recover by itself.
	Heal func(context.Context) error
}
