package service

import "time"

// Lifecycle holds the times of a worker's start and end, in their order.
// The same values render to supervisord (startsecs, stopwaitsecs), Nginx
// (upstream keepalive_timeout, worker_shutdown_timeout), Kubernetes (preStop,
// terminationGracePeriodSeconds, probes) and the service's own environment.
//
// A worker that is told to end (SIGTERM):
//
//	t=0                 not ready, still accepting        for Announce
//	t=Announce          stops accepting; requests on open connections get
//	                    "Connection: close"; WebSockets are closed with 1001,
//	                    spread over CloseJitter
//	   + Linger         idle connections are closed
//	   + Drain          hard stop: all open connections are cut, exit status 1
//	t=Stop              the supervisor kills the process
type Lifecycle struct {
	// Start is the time that a new worker has to become ready. Default 15 s.
	Start time.Duration `config:"start"`
	// Steady is the time that a new worker must stay ready before the next one
	// is replaced (Nomad's min_healthy_time). Default 1 s.
	Steady time.Duration `config:"steady"`
	// Announce is the time in which a worker is not ready but still accepts, so
	// that a load balancer sends new requests elsewhere. Nginx beside the workers
	// does not need it, so machines render 0. Default 5 s.
	Announce time.Duration `config:"announce"`
	// Linger is the time that an idle connection stays open once the worker has
	// stopped accepting. A proxy that closes idle connections sooner than this
	// never loses a request to a closing worker. Nginx is configured that way
	// (UpstreamIdle). Default 2 s.
	Linger time.Duration `config:"linger"`
	// CloseJitter spreads the closing of WebSockets, so that clients do not
	// all come back in the same instant. Default 5 s.
	CloseJitter time.Duration `config:"closeJitter"`
	// Drain is the time that requests in flight have once the worker has stopped
	// accepting. Default 20 s.
	Drain time.Duration `config:"drain"`
	// Stop is the time after which the supervisor kills a worker that has not
	// ended. Default 30 s.
	Stop time.Duration `config:"stop"`
}

// StopMargin is the shortest time between the end of a drain and the kill. In
// it, a worker reports the requests that it cuts.
const StopMargin = 2 * time.Second

// NewLifecycle returns the defaults.
func NewLifecycle() Lifecycle {
	return Lifecycle{
		Start:       15 * time.Second,
		Steady:      time.Second,
		Announce:    5 * time.Second,
		Linger:      2 * time.Second,
		CloseJitter: 5 * time.Second,
		Drain:       20 * time.Second,
		Stop:        30 * time.Second,
	}
}

// UpstreamIdle returns the time for which a proxy beside the worker may keep an
// idle connection. It is half of Linger, so that the proxy always closes first,
// and a worker never closes a connection to which a request is being written.
func (l Lifecycle) UpstreamIdle() time.Duration { return l.Linger / 2 }

// WithoutAnnounce returns the lifecycle of a worker whose readiness is not
// watched: behind Nginx on the same machine, or in a pod whose preStop hook has
// already waited.
func (l Lifecycle) WithoutAnnounce() Lifecycle {
	l.Announce = 0
	return l
}
