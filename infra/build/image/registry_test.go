package image

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/stretchr/testify/require"
)

// registryServer is a registry in memory that records its requests.
type registryServer struct {
	*httptest.Server
	// host is the registry's address, "127.0.0.1:…".
	host string

	mu       sync.Mutex
	requests []string // "PUT /v2/…"
}

// serveRegistry starts a registry. Where intercept returns true, it answers
// instead of the registry; a nil intercept never does.
func serveRegistry(t *testing.T, intercept func(http.ResponseWriter, *http.Request) bool) *registryServer {
	t.Helper()
	s := &registryServer{}
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		if intercept == nil || !intercept(w, r) {
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	s.host = strings.TrimPrefix(s.URL, "http://")
	return s
}

// repository returns the reference of a repository in the registry.
func (s *registryServer) repository(name string) string { return s.host + "/" + name }

// writes returns the requests since the last call that change something.
func (s *registryServer) writes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var writes []string
	for _, r := range s.requests {
		if !strings.HasPrefix(r, "GET ") && !strings.HasPrefix(r, "HEAD ") {
			writes = append(writes, r)
		}
	}
	s.requests = nil
	return writes
}

// login requires this user and password for every request.
func login(user, password string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if u, p, _ := r.BasicAuth(); u == user && p == password {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return true
	}
}

// refuse answers with an error in the form of a registry.
func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"errors":[{"code":"`+code+`","message":"the registry's own words"}]}`)
}

func loggedIn(t *testing.T, repository, user, password string) authn.Keychain {
	t.Helper()
	keychain, err := Login(repository, user, password)
	require.NoError(t, err)
	return keychain
}

// nobody is a keychain without logins.
type nobody struct{}

func (nobody) Resolve(authn.Resource) (authn.Authenticator, error) { return authn.Anonymous, nil }
