package service

import "time"

// Lifecycle is how a worker starts and ends, in the order in which it happens.
// The same values render to supervisord (startsecs, stopwaitsecs), Nginx
// (upstream keepalive_timeout, worker_shutdown_timeout), Kubernetes (preStop,
// terminationGracePeriodSeconds, probes) and the service's own environment.
//
// A worker that is told to end (SIGTERM):
//
//	t=0                 not ready, still accepting        for Announce
//	t=Announce          stops accepting; what still comes on open connections
//	                    is answered with "Connection: close"; WebSockets are
//	                    closed with 1001, spread over CloseJitter
//	   + Linger         idle connections are closed
//	   + Drain          hard stop: whatever is still open is cut, exit status 1
//	t=Stop              the supervisor kills the process
type Lifecycle struct {
	// Start is how long a new worker may take until it is ready. Default 15 s.
	Start time.Duration `config:"start"`
	// Steady is how long a new worker must stay ready before the next one is
	// replaced (Nomad's min_healthy_time). Default 1 s.
	Steady time.Duration `config:"steady"`
	// Announce is how long a worker says "not ready" before it stops
	// accepting: a load balancer needs it to look elsewhere. Nginx beside the
	// workers does not, so machines render 0. Default 5 s.
	Announce time.Duration `config:"announce"`
	// Linger is how long an idle keep-alive connection may stay open once the
	// worker stopped accepting. A proxy that closes idle connections sooner
	// than this never loses a request to a closing worker, which is how Nginx
	// is configured (UpstreamIdle). Default 2 s.
	Linger time.Duration `config:"linger"`
	// CloseJitter spreads the closing of WebSockets, so that clients do not
	// all come back in the same instant. Default 5 s.
	CloseJitter time.Duration `config:"closeJitter"`
	// Drain is how long requests in flight may take once the worker stopped
	// accepting. Default 20 s.
	Drain time.Duration `config:"drain"`
	// Stop is when the supervisor kills a worker that has not ended by
	// itself. Default 30 s.
	Stop time.Duration `config:"stop"`
}

// StopMargin is what must be left between the end of a drain and the kill: a
// hard stop has to be able to say what was still open.
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

// UpstreamIdle is how long a proxy beside the worker may keep an idle
// connection to it: half of Linger, so that the proxy is always the side that
// closes, and a worker never closes a connection onto which a request is just
// being written.
func (l Lifecycle) UpstreamIdle() time.Duration { return l.Linger / 2 }

// WithoutAnnounce is the lifecycle where nothing in front of the worker looks
// at its readiness: Nginx on the same machine, or a pod whose preStop hook has
// waited already.
func (l Lifecycle) WithoutAnnounce() Lifecycle {
	l.Announce = 0
	return l
}
