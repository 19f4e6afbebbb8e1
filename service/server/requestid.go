package server

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strconv"
	"sync/atomic"
)

// requestID names a request in its log lines and its response. It is either
// what a trusted proxy sent, or a prefix of this process and a number: unique
// at a hundredth of the cost of a random number per request, and rendered only
// where it is needed.
type requestID struct {
	sent   string
	prefix string
	number uint64
}

func (id requestID) set() bool { return id.sent != "" || id.number != 0 }

func (id requestID) append(b []byte) []byte {
	if id.sent != "" {
		return append(b, id.sent...)
	}
	return strconv.AppendUint(append(b, id.prefix...), id.number, 16)
}

// String is the id as it stands in the response.
func (id requestID) String() string { return string(id.append(nil)) }

// requestIDs makes ids.
type requestIDs struct {
	prefix string
	last   atomic.Uint64
}

func newRequestIDs() *requestIDs {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return &requestIDs{prefix: hex.EncodeToString(b[:]) + "-"}
}

// of returns the id that a trusted proxy sent, or a new one.
func (ids *requestIDs) of(r *http.Request, c *conn) requestID {
	if sent := r.Header["X-Request-Id"]; len(sent) == 1 && c != nil && c.trusted && validID(sent[0]) {
		return requestID{sent: sent[0]}
	}
	return requestID{prefix: ids.prefix, number: ids.last.Add(1)}
}

// validID accepts what can be logged and sent back without a second thought.
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

// RequestID is the id of the request that w answers, for the application's own
// log lines; empty when w is not of this server.
func RequestID(w http.ResponseWriter) string {
	for {
		switch v := w.(type) {
		case *response:
			return v.id.String()
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return ""
		}
	}
}
