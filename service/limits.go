package service

import "time"

// Limits bound what one client, and all clients together, may take. Each is one
// value for every front: Nginx and the Ingress refuse what the worker refuses.
type Limits struct {
	// BodyMiB is the largest request body, in MiB. Default 10.
	BodyMiB int `config:"bodyMiB"`
	// HeaderKiB is the largest request header with its request line, in KiB.
	// Default 64.
	HeaderKiB int `config:"headerKiB"`
	// ResponseHeaderKiB is the largest header that Nginx takes from a worker, in
	// KiB. Each open WebSocket costs Nginx this much memory. Default 16.
	ResponseHeaderKiB int `config:"responseHeaderKiB"`
	// Connections is how many open connections one worker serves, WebSockets
	// among them. A request beyond it is answered with 503 and Retry-After,
	// health and readiness as always. Default 12000.
	Connections int `config:"connections"`
}

// NewLimits returns the defaults.
func NewLimits() Limits {
	return Limits{BodyMiB: 10, HeaderKiB: 64, ResponseHeaderKiB: 16, Connections: 12_000}
}

// The bounds of Limits. They bound a typing error, but for the least header,
// below which Go's server takes no usual request.
const (
	maxBodyMiB     = 1 << 20
	minHeaderKiB   = 4
	maxHeaderKiB   = 1 << 10
	minConnections = 100
	maxConnections = 1_000_000
)

// BodyBytes is BodyMiB in bytes.
func (l Limits) BodyBytes() int64 { return int64(l.BodyMiB) << 20 }

// HeaderBytes is HeaderKiB in bytes.
func (l Limits) HeaderBytes() int { return l.HeaderKiB << 10 }

// BodySilence is how long a client may send nothing of a body, and AnswerSilence
// how long it may take nothing of an answer, until it is given up. Both may last
// as long as they move.
const (
	BodySilence   = time.Minute
	AnswerSilence = 2 * time.Minute
)

// spareFiles is what a worker has open beside its clients: connections beyond
// the limit that get one answer, Redis, logs, sockets, the application's own.
const spareFiles = 1024

// OpenFiles is how many files a worker has to be able to have open.
func (l Limits) OpenFiles() int { return l.Connections + spareFiles }

// ProxyConnections is how many connections a proxy beside the workers has to be
// able to have open. A proxied request takes two. Any process of the proxy
// can get all of them.
func (s Spec) ProxyConnections() int {
	return 2*s.Limits.Connections*s.Workers.Count + spareFiles
}

func (l Limits) check(v *Violations) {
	if l.BodyMiB < 1 || l.BodyMiB > maxBodyMiB {
		v.Add("limits.bodyMiB", "%d is not from 1 to %d MiB", l.BodyMiB, maxBodyMiB)
	}
	if l.HeaderKiB < minHeaderKiB || l.HeaderKiB > maxHeaderKiB {
		v.Add("limits.headerKiB", "%d is not from %d to %d KiB", l.HeaderKiB, minHeaderKiB, maxHeaderKiB)
	}
	if l.ResponseHeaderKiB < minHeaderKiB || l.ResponseHeaderKiB > maxHeaderKiB {
		v.Add("limits.responseHeaderKiB", "%d is not from %d to %d KiB", l.ResponseHeaderKiB, minHeaderKiB, maxHeaderKiB)
	}
	if l.Connections < minConnections || l.Connections > maxConnections {
		v.Add("limits.connections", "%d is not from %d to %d", l.Connections, minConnections, maxConnections)
	}
}
