package server

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"escala/service/config"
)

// stream is one request of an HTTP/2 connection. A proxy may send other
// clients' requests over the same connection, so only the stream of a silent
// client is ended.
type stream struct {
	request *http.Request
	control *http.ResponseController
	limits  *config.HTTP
	// reading and writing report that a call of the handler is in progress.
	reading, writing atomic.Bool
	// reads counts the reads of the body that returned data.
	reads atomic.Uint64
	// readDue and writeDue are the current deadlines. Only the handler's calls
	// use them.
	readDue, writeDue time.Time
}

// streams holds the requests of a connection that are being answered.
type streams struct {
	mu   sync.Mutex
	open map[*stream]struct{}
}

func (s *streams) add(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = make(map[*stream]struct{})
	}
	s.open[st] = struct{}{}
}

func (s *streams) remove(st *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, st)
}

func (s *streams) all() []*stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*stream, 0, len(s.open))
	for st := range s.open {
		out = append(out, st)
	}
	return out
}

// limitReading gives the client HTTP_READ_TIMEOUT, and at most a quarter more,
// to send the next part of a body.
func (st *stream) limitReading() error {
	limit := st.limits.ReadTimeout
	if limit <= 0 {
		return nil
	}
	now := time.Now()
	if st.readDue.Sub(now) >= limit {
		return nil
	}
	st.readDue = now.Add(limit + limit/4)
	return st.control.SetReadDeadline(st.readDue)
}

// giveUpReading makes the current read of the body fail.
func (st *stream) giveUpReading() { _ = st.control.SetReadDeadline(time.Unix(1, 0)) }

// waiting returns the reason why the handler has not ended, for the log.
func (st *stream) waiting() string {
	switch {
	case st.reading.Load():
		return waitingForBody
	case st.writing.Load():
		return waitingToWrite
	}
	return waitingForHandler
}
