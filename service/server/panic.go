package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
)

// panicked answers 500 and logs the stack. The worker continues, because one
// request's bug must not affect the others.
func (s *Server) panicked(res *response, r *http.Request, failure any) {
	if aborted(failure) {
		return
	}
	if s.Metrics != nil {
		s.Metrics.Panicked()
	}
	s.Log.ErrorContext(r.Context(), "panic in handler",
		slog.String("panic", fmt.Sprint(failure)), slog.String("method", r.Method),
		slog.String("path", r.URL.Path), slog.String("request_id", res.id),
		slog.String("stack", string(debug.Stack())))
	if res.status != 0 {
		res.late = true
		return
	}
	http.Error(res, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}

// aborted reports that a handler aborted its response on purpose.
func aborted(failure any) bool {
	err, ok := failure.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}
