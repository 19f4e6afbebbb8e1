package kubeconfig

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestALoginGoesNowhereElse checks that an answer cannot lead a request, and with it
// the login, to another server. The API's proxy to pods passes their answers on.
func TestALoginGoesNowhereElse(t *testing.T) {
	asked := false
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked = true
		t.Error("the login is sent elsewhere: ", r.Header.Get("Authorization"))
	}))
	t.Cleanup(elsewhere.Close)
	api := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "Bearer secret", r.Header.Get("Authorization"))
		http.Redirect(w, r, elsewhere.URL, http.StatusFound)
	}))
	t.Cleanup(api.Close)
	client, base, err := Client(`# a login is sent over TLS only
apiVersion: v1
kind: Config
clusters: [{name: a, cluster: {server: "`+api.URL+`", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: secret}}]
contexts: [{name: a, context: {cluster: a, user: u}}]
current-context: a
`, time.Second)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base.JoinPath("/api/v1/namespaces/api/pods/api:3000/proxy/").String(), nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusFound, resp.StatusCode)
	assert.False(t, asked)
}
