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

// Each of these kills a process QuickDeaths times, each time as soon as it is
// back.
const (
	KillProxyOften      Fault = "kill proxy often"
	KillSupervisorOften Fault = "kill supervisor often"
	KillRedisOften      Fault = "kill redis often"
	KillFollowerOften   Fault = "kill follower often"
)

// QuickDeaths is more than the five starts in ten seconds after which systemd
// leaves a unit down for ever by default (DefaultStartLimitBurst in
// systemd-system.conf(5)).
const QuickDeaths = 8

// These faults last until they are healed, except UpgradeSupervisor.
const (
	// HangRedis keeps Redis from answering, while its connections stay open.
	HangRedis Fault = "hang redis"
	// HangLogReader stops the process that reads the workers' logs.
	HangLogReader Fault = "hang log reader"
	// TakePort stops the proxy, gives its port to another process and starts the
	// proxy again.
	TakePort Fault = "take port"
	// FillInodes leaves no inodes for another release.
	FillInodes Fault = "fill inodes"
	// OtherPointer points the release store at the previous release, as a second
	// operator would.
	OtherPointer Fault = "other pointer"
	// UpgradeSupervisor installs the package of the process that restarts workers
	// again, as a security upgrade does. It returns when the package is installed.
	UpgradeSupervisor Fault = "upgrade supervisor"
)

// Injection describes an injected fault.
type Injection struct {
	// At is the time at which the fault took effect, as precisely as the system
	// knows it. Zero means the time at which Inject was called.
	At time.Time
	// Kills are the times just before each kill, if a fault is several. At is
	// the last of them. Default: At alone.
	Kills []time.Time
	// Heal ends the fault. It is called once, even after a failed check. It is
	// nil for a momentary fault such as a kill, from which the system must
	// recover by itself.
	Heal func(context.Context) error
}
