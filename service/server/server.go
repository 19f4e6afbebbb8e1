// Package server serves HTTP requests and can stop without losing one. It wraps
// net/http's server. Every connection is tracked, and every response names the
// release and the worker. A drain replaces http.Server.Shutdown, which drops a
// request that arrives on an idle connection at that moment, and ignores
// connections that a handler has hijacked.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"escala/service/config"
	"escala/service/listen"
)

// LongLived is the set of the connections that outlast a request, such as
// WebSockets. The server closes them in a drain.
type LongLived interface {
	// CloseAll closes every connection, and from now on each new one at once. It
	// spreads the closing evenly over the given time, so that peers connect
	// elsewhere. It returns when all are closed or ctx ends.
	CloseAll(ctx context.Context, over time.Duration)
	// Open returns the number of open connections.
	Open() int
}

// Options configure a Server.
type Options struct {
	Config config.Worker
	// Release is the value of X-Release.
	Release string
	// Handler, LongLived and Ready belong to the application. They may be set
	// while the admin socket already answers: it uses them only when the state
	// is Ready.
	Handler http.Handler
	// LongLived may be nil.
	LongLived LongLived
	// Ready is the application's readiness check. If it is nil, the worker is
	// ready once it has started.
	Ready func(context.Context) error
	// Trouble reports the current and the last resolved failure of a dependency;
	// "" for none. It may be nil. /status shows it.
	Trouble func() (now, before string)
	// Metrics may be nil.
	Metrics Metrics
	Log     *slog.Logger
}

// Metrics counts the events of a server, and answers its metrics path.
type Metrics interface {
	http.Handler
	// Answered counts a request that ended with this status. r.Pattern is its
	// route. recent is storage that belongs to the request's connection. Metrics
	// may keep data in it that the connection's next request is likely to need.
	// It is nil for HTTP/2. Only one goroutine uses it at a time.
	Answered(r *http.Request, status int, took time.Duration, recent *any)
	// Panicked counts a panic of a handler.
	Panicked()
}

// Server serves one worker's requests.
type Server struct {
	Options
	// State is the worker's current state.
	State *Readiness

	http    *http.Server
	conns   *conns
	ids     *requestIDs
	headers struct{ release, worker []string }
	started time.Time
	// page is the page of a maintenance, or nil.
	page atomic.Pointer[string]
	// draining is read on every response.
	draining atomic.Bool
	// inFlight and answered count the application's requests.
	inFlight atomic.Int64
	answered atomic.Uint64
	// failed counts those of answered with status 500 or above. turnedAway counts
	// the requests on connections beyond the limit, which get 503.
	failed, turnedAway atomic.Uint64
}

// New returns a server that does not listen yet.
func New(o Options) *Server {
	s := &Server{Options: o, State: &Readiness{}, ids: newRequestIDs(), started: time.Now()}
	s.conns = newConns(trust(o.Config.TrustedProxies), o.Config.HTTP, s.started)
	s.headers.release = []string{o.Release}
	s.headers.worker = []string{strconv.Itoa(o.Config.Number)}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	limits := o.Config.HTTP
	// ReadTimeout and WriteTimeout are not set, because they limit whole bodies
	// and answers. body and limitWriting limit silence instead.
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: limits.ReadHeaderTimeout,
		IdleTimeout:       limits.IdleTimeout,
		MaxHeaderBytes:    limits.MaxHeaderBytes,
		Protocols:         protocols,
		ConnState:         connState,
		ConnContext:       withConn,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	return s
}

// Serve answers connections from l until a drain closes l. It returns an error
// if it ends for another reason.
func (s *Server) Serve(l *listen.Listener) error {
	err := s.http.Serve(tracked{Listener: l, conns: s.conns})
	if s.draining.Load() && (errors.Is(err, net.ErrClosed) || errors.Is(err, http.ErrServerClosed)) {
		return nil
	}
	return fmt.Errorf("serving on %s: %w", l.Describe(), err)
}

// Connections returns the number of open connections, including hijacked ones.
func (s *Server) Connections() int { return s.conns.len() }

// ConnectionsByPhase counts the open connections: new, active, idle, hijacked.
func (s *Server) ConnectionsByPhase() map[string]int { return s.conns.byPhase() }

// Refused returns the number of connections that were closed without reading a
// request.
func (s *Server) Refused() uint64 { return s.conns.refused.Load() }

// InFlight returns the number of requests that are being answered.
func (s *Server) InFlight() int64 { return s.inFlight.Load() }

// Requests returns the number of answered requests.
func (s *Server) Requests() uint64 { return s.answered.Load() }

// Draining reports whether responses ask clients to close their connection.
func (s *Server) Draining() bool { return s.draining.Load() }

// WebSockets returns the number of open long-lived connections.
func (s *Server) WebSockets() int {
	if s.State.Is(Starting) || s.LongLived == nil {
		return 0
	}
	return s.LongLived.Open()
}

type connKey struct{}

func withConn(ctx context.Context, nc net.Conn) context.Context {
	if c, ok := nc.(*conn); ok {
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx
}

func connOf(r *http.Request) *conn {
	c, _ := r.Context().Value(connKey{}).(*conn)
	return c
}
