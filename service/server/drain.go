package server

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"escala/service/listen"
)

// drainTick is the time between two checks of the open connections. It is also
// the longest delay of the end of a drain.
const drainTick = 20 * time.Millisecond

// Drain ends the server in the steps of service.Lifecycle. It returns nil as
// soon as nothing is open. served is closed when Serve has returned. Drain cuts
// everything that is open at the end of Lifecycle.Drain, or when hard ends, and
// lists it in the error (*OpenError).
func (s *Server) Drain(hard context.Context, l *listen.Listener, served <-chan struct{}) error {
	life := s.Config.Lifecycle
	s.State.Set(Draining)
	s.Log.InfoContext(hard, "draining", slog.Duration("announce", life.Announce),
		slog.Duration("limit", life.Drain), slog.Int("connections", s.Connections()))
	select {
	case <-time.After(life.Announce):
	case <-served:
	case <-hard.Done():
		return s.cut()
	}

	// From here on, responses carry "Connection: close". This happens before the
	// listener closes: a client that must leave should not find its next
	// connection refused by this worker alone.
	s.draining.Store(true)
	limited, cancel := context.WithTimeout(hard, life.Drain)
	defer cancel()

	var group sync.WaitGroup
	group.Go(func() {
		if err := l.Retire(limited); err != nil {
			s.Log.WarnContext(limited, "closing the listener", slog.Any("error", err))
		}
	})
	if s.LongLived != nil {
		group.Go(func() { s.LongLived.CloseAll(limited, life.CloseJitter) })
	}
	err := s.awaitClosed(limited, served)
	group.Wait()
	if err != nil {
		return s.cut()
	}
	return s.http.Close()
}

// awaitClosed closes idle connections. It returns nil once no connection is
// open and no new one can arrive.
func (s *Server) awaitClosed(ctx context.Context, served <-chan struct{}) error {
	tick := time.NewTicker(drainTick)
	defer tick.Stop()
	w := newWatch(s.Config.Lifecycle.Linger)
	for done := served; ; {
		if done == nil && s.conns.len() == 0 && s.WebSockets() == 0 {
			return nil
		}
		select {
		case <-done:
			done = nil
		case now := <-tick.C:
			w.check(now, s.conns.all())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// cut closes everything and returns an *OpenError that lists what was open.
func (s *Server) cut() error {
	open := s.stillOpen()
	err := s.http.Close()
	for _, c := range s.conns.all() { // includes hijacked ones, which net/http does not close
		err = errors.Join(err, c.Close())
	}
	if err != nil {
		s.Log.Warn("cutting connections", slog.Any("error", err))
	}
	if open.empty() {
		return nil
	}
	return open
}
