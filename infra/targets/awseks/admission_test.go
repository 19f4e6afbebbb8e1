package awseks

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// apiServer answers each review by its number, from 1 on.
func apiServer(t *testing.T, answer func(n int64) (status int, allowed bool)) (kubeconfig string, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", r.URL.Path)
		status, allowed := answer(asked.Add(1))
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"status":{"allowed":%t}}`, allowed)
	}))
	t.Cleanup(server.Close)
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"c",
		"clusters":[{"name":"c","cluster":{"server":%q}}],"users":[{"name":"c","user":{"token":"t"}}],
		"contexts":[{"name":"c","context":{"cluster":"c","user":"c"}}]}`, server.URL), asked
}

func quick() admission {
	return admission{consecutive: 3, every: time.Millisecond, timeout: 30 * time.Second, askTimeout: 10 * time.Second}
}

// TestAdmissionWaitsForEveryAPIServer checks the wait with two API servers. They
// learn of an access entry at different times, and of its policy later.
func TestAdmissionWaitsForEveryAPIServer(t *testing.T) {
	config, asked := apiServer(t, func(n int64) (int, bool) {
		switch {
		case n <= 2:
			return http.StatusUnauthorized, false
		case n <= 5:
			return http.StatusCreated, n != 5
		case n == 6:
			return http.StatusForbidden, false
		default:
			return http.StatusCreated, true
		}
	})
	require.NoError(t, quick().wait(t.Context(), config))
	assert.EqualValues(t, 9, asked.Load(), "three good answers in a row")
}

func TestAdmissionSaysWhatTheClusterAnswered(t *testing.T) {
	config, _ := apiServer(t, func(int64) (int, bool) { return http.StatusUnauthorized, false })
	a := quick()
	a.timeout = 20 * time.Millisecond
	err := a.wait(t.Context(), config)
	require.ErrorContains(t, err, "the cluster refuses this caller after 20ms (see eks.admins and eks.deployer)")
	assert.NotContains(t, err.Error(), `"t"`)
}
