package server

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strconv"
	"sync/atomic"
)

// requestIDs gives every request a name that its log lines and its response
// share: a random part for the process and a counter, which is unique at a
// hundredth of the cost of a random number per request.
type requestIDs struct {
	prefix string
	last   atomic.Uint64
}

func newRequestIDs() *requestIDs {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return &requestIDs{prefix: hex.EncodeToString(b[:]) + "-"}
}

// of returns the id that a trusted proxy sent, or a new one, as a header value.
func (ids *requestIDs) of(r *http.Request, c *conn) []string {
	if sent := r.Header["X-Request-Id"]; len(sent) == 1 && c != nil && c.trusted && validID(sent[0]) {
		return sent
	}
	var b [40]byte
	n := strconv.AppendUint(append(b[:0], ids.prefix...), ids.last.Add(1), 16)
	return []string{string(n)}
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
