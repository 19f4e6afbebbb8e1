package server

import (
	"log/slog"
	"net/http"
	"time"
)

var closeHeader = []string{"close"}

// ServeHTTP answers health and readiness itself and puts everything else
// around the application's handler. It is one function and not a chain of
// middlewares, because every link would cost an allocation and an indirect
// call on each request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header["X-Release"] = s.headers.release
	header["X-Worker"] = s.headers.worker
	switch r.URL.Path {
	case s.Config.HealthPath:
		s.closing(header)
		s.health(w, r)
		return
	case s.Config.ReadyPath:
		s.closing(header)
		s.ready(w, r)
		return
	case metricsPath:
		if s.Config.MetricsOnPort && direct(r) {
			s.closing(header)
			s.Metrics.ServeHTTP(w, r)
			return
		}
	}

	start := time.Now()
	s.Metrics.Begin()
	c := connOf(r)
	forwarded(r, c)
	id := s.ids.of(r, c)
	header["X-Request-Id"] = id
	r.Header["X-Request-Id"] = id
	res := &response{ResponseWriter: w, server: s}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &body{ReadCloser: http.MaxBytesReader(w, r.Body, s.Config.HTTP.MaxBodyBytes), conn: c}
	}
	if c != nil {
		c.request.Store(r)
	}
	defer s.finish(res, r, c, start)
	s.Handler.ServeHTTP(res, r)
}

// closing asks the client to leave if the worker is.
func (s *Server) closing(h http.Header) {
	if s.draining.Load() {
		h["Connection"] = closeHeader
	}
}

// finish completes the response, whatever the handler did, and counts it.
func (s *Server) finish(res *response, r *http.Request, c *conn, start time.Time) {
	if c != nil {
		c.request.Store(nil)
	}
	failure := recover()
	if failure != nil {
		s.panicked(res, r, failure)
	}
	res.commit(http.StatusOK)
	took := time.Since(start)
	s.Metrics.End(r, res.status, took)
	if s.Config.LogRequests == "all" || (s.Config.LogRequests == "errors" && res.status >= 500) {
		s.Log.LogAttrs(r.Context(), level(res.status), "request",
			slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", res.status), slog.Duration("took", took),
			slog.String("client", r.RemoteAddr), slog.String("request_id", r.Header.Get("X-Request-Id")))
	}
	if failure != nil && (failure == http.ErrAbortHandler || res.late) {
		// Part of another answer is out already: only a broken connection
		// tells the client that it is not whole.
		panic(http.ErrAbortHandler)
	}
}

func level(status int) slog.Level {
	if status >= 500 {
		return slog.LevelError
	}
	return slog.LevelInfo
}
