package server

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// readyLimit is the time limit of the application's own readiness check. A
// probe does not wait longer than that.
const readyLimit = 2 * time.Second

// health answers 200 and checks nothing. If a liveness probe failed during an
// outage of Redis, it would restart every worker and not repair Redis.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	s.plain(w, r, http.StatusOK, "ok")
}

// ready answers 200 while the worker accepts traffic, and otherwise 503 with
// the reason.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if !s.State.Is(Ready) {
		s.plain(w, r, http.StatusServiceUnavailable, s.State.String())
		return
	}
	if s.Ready != nil {
		ctx, cancel := context.WithTimeout(r.Context(), readyLimit)
		defer cancel()
		if err := s.Ready(ctx); err != nil {
			s.plain(w, r, http.StatusServiceUnavailable, err.Error())
			return
		}
	}
	s.plain(w, r, http.StatusOK, "ready")
}

func (s *Server) plain(w http.ResponseWriter, r *http.Request, status int, text string) {
	h := w.Header()
	h["Content-Type"] = plainText
	h["Cache-Control"] = noStore
	w.WriteHeader(status)
	if _, err := io.WriteString(w, text); err != nil {
		s.Log.DebugContext(r.Context(), "answering a probe", slog.Any("error", err))
	}
}

var (
	plainText = []string{"text/plain; charset=utf-8"}
	noStore   = []string{"no-store"}
)
