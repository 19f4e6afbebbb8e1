package local_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// get returns the header of an answer whose status must be 200.
func get(t *testing.T, url string) http.Header {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	return resp.Header
}
