package loadgen

import (
	"context"
	"fmt"
	"net"
	"time"

	"escala/service"
)

// Options configures a load and its limits. Make them with NewOptions, which
// sets the defaults.
type Options struct {
	// Target is the service's URL, "http://host:port". Only http is supported.
	// The address is resolved once, when the load starts.
	Target string
	// Host is the Host header, if it differs from the target's host: an Ingress
	// answers by name. Default "": the target's host.
	Host string
	// Streams are the kinds of requests, each with a fixed rate of its own.
	// Default NewMix().Streams().
	Streams []Stream
	// Sockets adds WebSocket clients in rooms to the requests. Default nil:
	// none.
	Sockets *Sockets
	// Clients is the number of keep-alive connections. They are used in turn,
	// so that all of them stay in use. If all are busy, more are opened.
	// Default 32.
	Clients int
	// Timeout is the time from the due time of a request until it must have
	// ended. Default 10 s.
	Timeout time.Duration
	// Duration is the time for which requests are sent. 0 means until the
	// context ends. Default 0.
	Duration time.Duration
	// MaxDuration is the limit for a load that is never stopped. Default 1 h,
	// at most 24 h: the time series keeps a row per Interval and four bytes per
	// request.
	MaxDuration time.Duration
	// Interval is the length of a row of the time series. Default 250 ms.
	Interval time.Duration
	// MaxOutstanding is the maximum number of requests in flight. An arrival
	// above it is not sent and counts as Shed. Default 8192.
	MaxOutstanding int
	// Dial opens the connections. Default nil: TCP. Tests with a fake clock
	// connect in memory.
	Dial func(ctx context.Context, network, address string) (net.Conn, error) `json:"-"`
	// AllowPublic permits a target with an address that is neither loopback nor
	// private. Default false.
	AllowPublic bool
}

// NewOptions returns the defaults for a target.
func NewOptions(target string) Options {
	return Options{
		Target:         target,
		Streams:        NewMix().Streams(),
		Clients:        32,
		Timeout:        10 * time.Second,
		MaxDuration:    time.Hour,
		Interval:       250 * time.Millisecond,
		MaxOutstanding: 8192,
	}
}

const (
	longestDuration = 24 * time.Hour
	maxStreams      = 64
	// shortestInterval limits the number of rows.
	shortestInterval = 10 * time.Millisecond
)

// Validate reports all invalid options at once.
func (o Options) Validate() error {
	var v service.Violations
	if o.Target == "" {
		v.Add("target", "is empty, want http://host:port")
	}
	if len(o.Streams) == 0 && o.Sockets == nil {
		v.Add("streams", "there is nothing to send: no streams and no sockets")
	}
	if len(o.Streams) > maxStreams {
		v.Add("streams", "%d streams, want at most %d", len(o.Streams), maxStreams)
	}
	if o.Clients < 1 {
		v.Add("clients", "%d, want at least 1", o.Clients)
	}
	if o.Timeout <= 0 {
		v.Add("timeout", "%s, want more than 0", o.Timeout)
	}
	if o.Duration < 0 {
		v.Add("duration", "%s, want 0 or more", o.Duration)
	}
	if o.MaxDuration <= 0 || o.MaxDuration > longestDuration {
		v.Add("maxDuration", "%s, want more than 0 and at most %s", o.MaxDuration, longestDuration)
	}
	if o.Interval < shortestInterval {
		v.Add("interval", "%s, want at least %s", o.Interval, shortestInterval)
	}
	if o.Duration > o.MaxDuration {
		v.Add("duration", "%s is longer than maxDuration %s", o.Duration, o.MaxDuration)
	}
	if o.MaxOutstanding < 1 {
		v.Add("maxOutstanding", "%d, want at least 1", o.MaxOutstanding)
	}
	names := map[string]bool{}
	for i, s := range o.Streams {
		path := fmt.Sprintf("streams[%d]", i)
		if names[s.Name] {
			v.Add(path+".name", "%q is there twice", s.Name)
		}
		names[s.Name] = true
		v = append(v, s.violations().Under(path)...)
	}
	if o.Sockets != nil {
		v = append(v, o.Sockets.violations().Under("sockets")...)
	}
	return v.Err()
}
