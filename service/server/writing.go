package server

import (
	"log/slog"
	"net/http"
	"time"
)

// limitWriting bounds how long the answer to a request that began at start,
// counted from the server's start, may take to be written: the configured limit
// and at most a quarter more. net/http's WriteTimeout is exact, but looks at the
// clock and sets a timer for each request, which is a thirtieth of all that one
// costs; here a connection's timer is set again only when a quarter of the limit
// has passed.
func (s *Server) limitWriting(w http.ResponseWriter, c *conn, http2 bool, start time.Duration) {
	limit := s.Config.HTTP.WriteTimeout
	if limit <= 0 {
		return
	}
	due := start + limit
	var err error
	if http2 { // a stream has a deadline of its own
		err = http.NewResponseController(w).SetWriteDeadline(s.started.Add(due))
	} else if time.Duration(c.armed.Load()) < due {
		due += limit / 4
		if err = c.SetWriteDeadline(s.started.Add(due)); err == nil {
			c.armed.Store(int64(due))
		}
	}
	if err != nil {
		s.Log.Debug("limiting the time to answer", slog.Any("error", err))
	}
}
