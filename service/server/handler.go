package server

import (
	"log/slog"
	"net/http"
	"time"

	"escala/service/metrics"
)

var closeHeader = []string{"close"}

// ServeHTTP answers health and readiness itself and puts everything else
// around the application's handler. It is one function and not a chain of
// middlewares, because every link would cost an allocation and an indirect
// call on each request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := connOf(r)
	http2 := c == nil || r.ProtoMajor > 1
	start := time.Since(s.started)
	s.limitWriting(w, c, http2, start)
	if s.answersItself(r) {
		if http2 {
			s.stampHTTP2(w.Header(), requestID{})
		}
		if s.draining.Load() {
			s.closing(w.Header())
		}
		s.answer(w, r)
		return
	}

	s.Metrics.Begin()
	forwarded(r, c)
	res := &response{ResponseWriter: w, server: s, id: s.ids.of(r, c)}
	if http2 {
		s.stampHTTP2(w.Header(), res.id)
	} else {
		c.stamp.id = res.id
	}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &body{ReadCloser: http.MaxBytesReader(w, r.Body, s.Config.HTTP.MaxBodyBytes), conn: c}
	}
	if c != nil {
		c.request.Store(r)
	}
	defer s.finish(res, r, c, start)
	s.Handler.ServeHTTP(res, r)
}

// answersItself says that a request is none of the application's.
func (s *Server) answersItself(r *http.Request) bool {
	switch r.URL.Path {
	case s.Config.HealthPath, s.Config.ReadyPath:
		return true
	case metricsPath:
		return s.Config.MetricsOnPort && direct(r)
	}
	return false
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case s.Config.HealthPath:
		s.health(w, r)
	case s.Config.ReadyPath:
		s.ready(w, r)
	default:
		s.Metrics.ServeHTTP(w, r)
	}
}

// closing asks the client to leave.
func (s *Server) closing(h http.Header) { h["Connection"] = closeHeader }

// finish completes the response, whatever the handler did, and counts it.
func (s *Server) finish(res *response, r *http.Request, c *conn, start time.Duration) {
	var recent *metrics.Recent
	if c != nil {
		c.request.Store(nil)
		if r.ProtoMajor == 1 { // one request at a time
			recent = &c.recent
		}
	}
	failure := recover()
	if failure != nil {
		s.panicked(res, r, failure)
	}
	res.commit(http.StatusOK)
	took := time.Since(s.started) - start
	s.Metrics.End(r, res.status, took, recent)
	if s.Config.LogRequests == "all" || (s.Config.LogRequests == "errors" && res.status >= 500) {
		s.Log.LogAttrs(r.Context(), level(res.status), "request",
			slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.Int("status", res.status), slog.Duration("took", took),
			slog.String("client", r.RemoteAddr), slog.String("request_id", res.id.String()))
	}
	if failure != nil && (aborted(failure) || res.late) {
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
