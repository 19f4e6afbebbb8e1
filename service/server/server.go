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
	"escala/service/metrics"
)

// LongLived are connections that outlast a request, such as WebSockets. The
// server closes them in a drain; it knows nothing else about them.
type LongLived interface {
	// CloseAll closes every connection and refuses new ones from now on. It
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
	Metrics *metrics.HTTP
	Log     *slog.Logger
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
	// draining is read on every response.
	draining atomic.Bool
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
	o.Metrics.Watch(metrics.Gauges{
		Connections: s.conns.byPhase,
		Draining:    s.draining.Load,
		LongLived:   s.longLived,
		Refused:     s.conns.refused.Load,
	})
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

func (s *Server) longLived() int {
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
