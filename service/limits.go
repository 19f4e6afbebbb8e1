package service

import "time"

// Limits are the limits for one client and for all clients together. Each has
// one value for every front: Nginx and the Ingress refuse the same requests as
// the worker.
type Limits struct {
	// BodyMiB is the largest request body, in MiB. Default 10.
	BodyMiB int `config:"bodyMiB"`
	// HeaderKiB is the largest request header with its request line, in KiB.
	// Default 64.
	HeaderKiB int `config:"headerKiB"`
	// ResponseHeaderKiB is the largest response header, in KiB. A worker answers
	// 500 in place of a larger one, and logs its size; Nginx would answer 502.
	// Each open WebSocket costs Nginx this much memory. Default 16.
	ResponseHeaderKiB int `config:"responseHeaderKiB"`
	// Connections is the number of open connections that one worker serves,
	// including WebSockets. Requests on further connections get 503 and
	// Retry-After. Health and readiness always answer. Default 12000.
	Connections int `config:"connections"`
}

// NewLimits returns the defaults.
func NewLimits() Limits {
	return Limits{BodyMiB: 10, HeaderKiB: 64, ResponseHeaderKiB: 16, Connections: 12_000}
}

// The allowed values of Limits. They catch typing errors, except the smallest
// header limit: below it, Go's server accepts no usual request.
const (
	maxBodyMiB     = 1 << 20
	minHeaderKiB   = 4
	maxHeaderKiB   = 1 << 10
	minConnections = 100
	maxConnections = 1_000_000
)

// BodyBytes returns BodyMiB in bytes.
func (l Limits) BodyBytes() int64 { return int64(l.BodyMiB) << 20 }

// HeaderBytes returns HeaderKiB in bytes.
func (l Limits) HeaderBytes() int { return l.HeaderKiB << 10 }

// ResponseHeaderBytes returns ResponseHeaderKiB in bytes.
func (l Limits) ResponseHeaderBytes() int { return l.ResponseHeaderKiB << 10 }

// BodySilence is the longest time in which a client may send no part of a body.
// AnswerSilence is the longest time in which it may read no part of an answer.
// Neither limits the whole transfer.
const (
	BodySilence   = time.Minute
	AnswerSilence = 2 * time.Minute
)

// spareFiles is the number of files that a worker has open beside its clients'
// connections: connections beyond the limit that get one answer, Redis, logs,
// sockets, and the application's files.
const spareFiles = 1024

// OpenFiles returns the number of files that a worker must be able to open.
func (l Limits) OpenFiles() int { return l.Connections + spareFiles }

// ProxyConnections returns the number of connections that a proxy beside the
// workers must be able to open. A proxied request takes two. A single process
// of the proxy may get all of them.
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
