package server

import (
	"log/slog"
	"net/http"
	"time"

	"escala/service"
)

var closeHeader = []string{"close"}

// ServeHTTP answers health and readiness itself and wraps the application's
// handler for everything else. It is one function and not a chain of
// middlewares, because each link would cost an allocation and an indirect call
// per request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := connOf(r)
	start := time.Since(s.started)
	h := w.Header()
	h["X-Release"] = s.headers.release
	h["X-Worker"] = s.headers.worker
	page := s.page.Load()
	if page != nil {
		h[service.MaintenanceHeader] = maintained
	}
	if s.answersItself(r) {
		if s.draining.Load() || (c != nil && c.beyond) {
			s.closing(h)
		}
		s.answer(w, r)
		return
	}
	if c != nil && c.beyond {
		s.refuse(w, r)
		return
	}
	if page != nil {
		s.maintain(w, r, *page)
		return
	}

	s.inFlight.Add(1)
	forwarded(r, c, s.Config.TrustedHeaders)
	res := &response{ResponseWriter: w, server: s, id: s.ids.of(r)}
	res.idLine[0] = res.id
	h["X-Request-Id"] = res.idLine[:]
	b := s.track(res, r, c)
	defer s.finish(res, b, r, c, start)
	s.Handler.ServeHTTP(res, r)
}

// track registers the request for the drain, and limits the client's silence.
func (s *Server) track(res *response, r *http.Request, c *conn) *body {
	if c != nil && r.ProtoMajor > 1 {
		res.stream = &stream{request: r, control: http.NewResponseController(res.ResponseWriter), limits: &s.Config.HTTP}
		c.streams.add(res.stream)
	} else if c != nil {
		c.request.Store(r)
	}
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	b := &body{ReadCloser: http.MaxBytesReader(res.ResponseWriter, r.Body, s.Config.HTTP.MaxBodyBytes), stream: res.stream}
	if res.stream == nil {
		b.conn = c
	}
	r.Body = b
	return b
}

// refuse answers a request on a connection beyond the limit. Another worker, or
// this one a moment later, can serve it.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request) {
	s.turnedAway.Add(1)
	s.closing(w.Header())
	w.Header()["Retry-After"] = retryAfter
	s.plain(w, r, http.StatusServiceUnavailable, "this worker takes no more connections; try again")
}

var retryAfter = []string{"1"}

// answersItself reports whether the server, and not the application, answers a
// request.
func (s *Server) answersItself(r *http.Request) bool {
	switch r.URL.Path {
	case s.Config.HealthPath, s.Config.ReadyPath:
		return true
	case metricsPath:
		return s.Metrics != nil && s.Config.MetricsOnPort && direct(r)
	case service.CountsPath:
		return s.asksCounts(r)
	}
	return false
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case s.Config.HealthPath:
		s.health(w, r)
	case s.Config.ReadyPath:
		s.ready(w, r)
	case service.CountsPath:
		s.counts(w, r)
	default:
		s.Metrics.ServeHTTP(w, r)
	}
}

// closing asks the client to close the connection.
func (s *Server) closing(h http.Header) { h["Connection"] = closeHeader }

// finish completes the response, whatever the handler did, and counts the
// request.
func (s *Server) finish(res *response, b *body, r *http.Request, c *conn, start time.Duration) {
	var recent *any
	switch {
	case res.stream != nil:
		c.streams.remove(res.stream)
	case c != nil: // HTTP/1, which has one request at a time
		c.request.Store(nil)
		recent = &c.recent
	}
	if b != nil {
		b.leave()
	}
	failure := recover()
	if failure != nil {
		s.panicked(res, r, failure)
	}
	res.commit(http.StatusOK)
	took := time.Since(s.started) - start
	s.inFlight.Add(-1)
	s.answered.Add(1)
	if res.status >= http.StatusInternalServerError {
		s.failed.Add(1)
	}
	if s.Metrics != nil {
		s.Metrics.Answered(r, res.status, took, recent)
	}
	if s.Config.LogRequests == "all" || (s.Config.LogRequests == "errors" && res.status >= 500) {
		s.Log.LogAttrs(r.Context(), level(res.status), "request",
			slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", res.status), slog.Duration("took", took),
			slog.String("client", r.RemoteAddr), slog.String("request_id", res.id))
	}
	if failure != nil && (aborted(failure) || res.late) {
		// A part of another answer is already sent. Only a broken connection
		// shows the client that the answer is incomplete.
		panic(http.ErrAbortHandler)
	}
}

func level(status int) slog.Level {
	if status >= 500 {
		return slog.LevelError
	}
	return slog.LevelInfo
}
