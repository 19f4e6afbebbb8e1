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

// guardAPI puts what EKS has before its clusters before a cluster's API: it lets
// in those who have an access entry with a policy, and not at once.
func (m *managedStack) guardAPI(t *testing.T, api string) string {
	t.Helper()
	target, err := url.Parse(api)
	require.NoError(t, err)
	behind := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		admin := m.aws.Admitted(m.aws.Caller(), "AmazonEKSClusterAdminPolicy")
		viewer := m.aws.Admitted(m.aws.Caller(), "AmazonEKSAdminViewPolicy")
		switch {
		case !admin && !viewer:
			m.aws.Meet("reader-is-refused")
			w.WriteHeader(http.StatusUnauthorized)
		case m.late():
			m.aws.Meet("access-is-eventual")
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

// late reports whether an API server has not learned yet who is let in.
func (m *managedStack) late() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slow > 0 {
		m.slow--
		return true
	}
	return false
}

// connect is what pulumi-kubernetes does when it is configured: it asks the
// cluster once, and takes any error for a cluster that cannot be reached
// (provider.go, Configure).
func (m *managedStack) connect() error {
	if m.aws == nil || len(m.aws.Of("aws:eks/cluster:Cluster")) == 0 {
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

// refused is what the provider answers to everything once that is so.
func (m *managedStack) refused() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unreachable
}

// eksIn is EKS in an account that several stacks and people share.
func eksIn(account *cloudfake.AWS) managed {
	c := eks
	c.aws = account
	return c
}
