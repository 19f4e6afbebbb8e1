package acceptance

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"escala/infra/testing/cloudfake"
)

// guardAPI simulates EKS's access control in front of a cluster's API: it
// admits principals with an access entry and a policy, and only after a delay.
func (m *managedStack) guardAPI(t *testing.T, behind http.Handler) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		admin := m.aws.Admitted(m.aws.Caller(), "AmazonEKSClusterAdminPolicy")
		viewer := m.aws.Admitted(m.aws.Caller(), "AmazonEKSAdminViewPolicy")
		switch {
		case !admin && !viewer:
			m.aws.CountOccurrence("reader-is-refused")
			w.WriteHeader(http.StatusUnauthorized)
		case m.late():
			m.aws.CountOccurrence("access-is-eventual")
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasSuffix(r.URL.Path, "/selfsubjectaccessreviews"):
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, `{"status":{"allowed":%t}}`, admin)
		case r.Method != http.MethodGet && !admin:
			w.WriteHeader(http.StatusForbidden)
		default:
			behind.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// forward returns a handler that forwards requests to an API. A transport may add a
// login. If it is nil, the requests have none.
func forward(t *testing.T, api string, transport http.RoundTripper) http.Handler {
	t.Helper()
	target, err := url.Parse(api)
	require.NoError(t, err)
	return &httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			// The token is for the simulated cloud. The API does not accept it.
			r.Out.Header.Del("Authorization")
		},
	}
}

// late reports whether the API server does not know a new access entry yet.
func (m *managedStack) late() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slow > 0 {
		m.slow--
		return true
	}
	return false
}

// connect does what pulumi-kubernetes does when it is configured: it queries
// the cluster once and treats any error as an unreachable cluster (provider.go,
// Configure).
func (m *managedStack) connect() error {
	if m.aws == nil || len(m.aws.OfType("aws:eks/cluster:Cluster")) == 0 {
		return nil
	}
	resp, err := http.Get(m.api + "/version")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unreachable = nil
	if resp.StatusCode == http.StatusUnauthorized {
		m.unreachable = errors.New("configured Kubernetes cluster is unreachable: unable to load schema information from the API server: the server has asked for the client to provide credentials")
	}
	return nil
}

// refused is the provider's error for every request after a failed connect.
func (m *managedStack) refused() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unreachable
}

// eksIn returns EKS in an account that several stacks and users share.
func eksIn(account *cloudfake.AWS) managed {
	c := eks
	c.aws = account
	return c
}
