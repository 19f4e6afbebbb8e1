// Package server takes HTTP requests and, above all, stops doing so without
// losing one. It wraps net/http's server: every connection is tracked, every
// response names the release and the worker, and a drain replaces
// http.Server.Shutdown, which drops a request that is just being written onto
// an idle connection and ignores connections that a handler has taken over.
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
	// CloseAll closes every connection, spread evenly over the given time, so that
	// peers connect elsewhere, and refuses new ones from now on. It returns when
	// all are closed or ctx ends.
	CloseAll(ctx context.Context, over time.Duration)
	// Open is how many are open.
	Open() int
}

// Options are the parts of a Server.
type Options struct {
	Config config.Worker
	// Release is the id that X-Release carries.
	Release string
	// Handler, LongLived and Ready are the application's. They may still be set
	// while the admin socket answers: it does not look at them before the
	// state is Ready.
	Handler http.Handler
	// LongLived may be nil.
	LongLived LongLived
	// Ready is called by the readiness endpoint. Nil is always ready once the
	// worker has started.
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
	// State is the worker's place between start and end.
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
	// Without ReadTimeout and WriteTimeout, which bound whole bodies and answers:
	// see body and limitWriting, which bound silence.
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

// Serve answers connections from l until a drain closes it. Any other end is
// an error.
func (s *Server) Serve(l *listen.Listener) error {
	err := s.http.Serve(tracked{Listener: l, conns: s.conns})
	if s.draining.Load() && (errors.Is(err, net.ErrClosed) || errors.Is(err, http.ErrServerClosed)) {
		return nil
	}
	return fmt.Errorf("serving on %s: %w", l.Describe(), err)
}

// Connections is how many connections are open, hijacked ones included.
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
