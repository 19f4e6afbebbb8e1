package server

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strconv"
	"sync/atomic"
)

// requestIDs creates the ids of requests for log lines and answers: a prefix of
// this process and a number. Such an id is as unique as a random number for
// each request, at a hundredth of the cost.
type requestIDs struct {
	prefix string
	last   atomic.Uint64
}

func newRequestIDs() *requestIDs {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return &requestIDs{prefix: hex.EncodeToString(b[:]) + "-"}
}

// of returns the id that a trusted proxy sent, or a new one. forwarded has
// already removed an id from anyone else.
func (ids *requestIDs) of(r *http.Request) string {
	if sent := r.Header["X-Request-Id"]; len(sent) == 1 && validID(sent[0]) {
		return sent[0]
	}
	var b [48]byte
	return string(strconv.AppendUint(append(b[:0], ids.prefix...), ids.last.Add(1), 16))
}

// validID accepts an id that is safe in a log line and in a header.
func validID(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// RequestID returns the id of the request that w answers, for the application's
// log lines. It is empty if w does not come from this server.
func RequestID(w http.ResponseWriter) string {
	if res := responseOf(w); res != nil {
		return res.id
	}
	return ""
}

// Status returns the status of the answer that w writes: 200 if none was chosen,
// or if w does not come from this server.
func Status(w http.ResponseWriter) int {
	if res := responseOf(w); res != nil && res.status != 0 {
		return res.status
	}
	return http.StatusOK
}

// responseOf returns this server's writer below w, or nil.
func responseOf(w http.ResponseWriter) *response {
	for {
		switch v := w.(type) {
		case *response:
			return v
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return nil
		}
	}
}
