package instance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ec2Service simulates EC2's metadata service by its user guide: a PUT with a
// time to live of 1 to 21,600 s returns a token, every item needs a token
// (401), a forwarded PUT is refused (403), and a missing item is 404.
type ec2Service struct {
	*httptest.Server
	mu       sync.Mutex
	tokens   int
	valid    map[string]bool
	items    map[string]string
	refuse   []int // statuses of the next answers
	requests int
}

func newEC2Service(t *testing.T, items map[string]string) *ec2Service {
	s := &ec2Service{items: items, valid: map[string]bool{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *ec2Service) set(path, item string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items[path] = item
}

// forget invalidates all tokens, like a stop and a start of the instance.
func (s *ec2Service) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.valid)
}

func (s *ec2Service) next(statuses ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = statuses
}

func (s *ec2Service) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

func (s *ec2Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if len(s.refuse) > 0 {
		w.WriteHeader(s.refuse[0])
		s.refuse = s.refuse[1:]
		return
	}
	if r.URL.Path == "/latest/api/token" {
		ttl, err := strconv.Atoi(r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds"))
		switch {
		case r.Method != http.MethodPut:
			w.WriteHeader(http.StatusMethodNotAllowed)
		case r.Header.Get("X-Forwarded-For") != "":
			w.WriteHeader(http.StatusForbidden)
		case err != nil || ttl < 1 || ttl > 21600:
			w.WriteHeader(http.StatusBadRequest)
		default:
			s.tokens++
			token := fmt.Sprintf("token-%d==", s.tokens)
			s.valid[token] = true
			io.WriteString(w, token)
		}
		return
	}
	if !s.valid[r.Header.Get("X-aws-ec2-metadata-token")] {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	item, there := s.items[r.URL.Path]
	if !there {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	io.WriteString(w, item)
}

const item = "/latest/meta-data/iam/security-credentials/"

func TestEC2Session(t *testing.T) {
	s := newEC2Service(t, map[string]string{item: "the-role\n"})
	e := NewEC2(s.URL)
	for range 3 {
		got, err := e.get(t.Context(), item)
		require.NoError(t, err)
		assert.Equal(t, "the-role", got)
	}
	assert.Equal(t, 1, s.tokens, "one token serves for six hours")

	s.forget()
	got, err := e.get(t.Context(), item)
	require.NoError(t, err)
	assert.Equal(t, "the-role", got)
	assert.Equal(t, 2, s.tokens)
}

func TestAnItemIsBounded(t *testing.T) {
	s := newEC2Service(t, map[string]string{item: strings.Repeat("x", maxItem+1)})
	_, err := NewEC2(s.URL).get(t.Context(), item)
	require.ErrorContains(t, err, "the answer has more than")
}

func TestABusyServiceIsAskedAgain(t *testing.T) {
	s := newEC2Service(t, map[string]string{item: "the-role"})
	s.next(http.StatusServiceUnavailable, http.StatusInternalServerError)
	_, err := NewEC2(s.URL).get(t.Context(), item)
	require.NoError(t, err)

	s.next(503, 503, 503)
	_, err = NewEC2(s.URL).get(t.Context(), item)
	require.ErrorIs(t, err, ErrUnreachable)
}

func TestAServiceThatIsNotThere(t *testing.T) {
	s := newEC2Service(t, nil)
	s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := NewEC2(s.URL).get(ctx, item)
	require.ErrorIs(t, err, ErrUnreachable)
}

func TestARedirectIsNotFollowed(t *testing.T) {
	var seen string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header.Get("X-Aws-Ec2-Metadata-Token") + "!" }))
	defer elsewhere.Close()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			io.WriteString(w, "token")
			return
		}
		http.Redirect(w, r, elsewhere.URL, http.StatusMovedPermanently)
	}))
	defer s.Close()
	_, err := NewEC2(s.URL).get(t.Context(), item)
	require.Error(t, err)
	assert.Empty(t, seen)
}

func credentials(t *testing.T, n int, expires time.Time) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{
		"Code": "Success", "LastUpdated": "2026-01-01T00:00:00Z", "Type": "AWS-HMAC",
		"AccessKeyId": fmt.Sprintf("ASIA%d", n), "SecretAccessKey": "secret-value", "Token": "token-value",
		"Expiration": expires.UTC().Format(time.RFC3339),
	})
	require.NoError(t, err)
	return string(b)
}
