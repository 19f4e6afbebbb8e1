package acceptance

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAWorkerAnswersWithThePageDuringAMaintenance checks the answers of a worker
// while the page's file appears, changes and disappears. The test replaces the
// file as a kubelet does.
func TestAWorkerAnswersWithThePageDuringAMaintenance(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "page.html")
	p, address := onPort(t, "MAINTENANCE_FILE="+page, "ROOMS=true")
	res, body := get(t, "http://"+address+"/")
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Empty(t, res.Header.Get("X-Maintenance"))
	service := body

	require.NoError(t, os.WriteFile(page+"~", []byte("<p>Back at ten</p>"), 0o644))
	require.NoError(t, os.Rename(page+"~", page))
	await(t, func() bool {
		res, body = get(t, "http://"+address+"/deep/er?q=1")
		return res.StatusCode == http.StatusServiceUnavailable
	}, "%s", lazy(p.output))
	assert.Equal(t, "<p>Back at ten</p>", body)
	assert.Equal(t, "60", res.Header.Get("Retry-After"))
	assert.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	assert.Equal(t, "text/html; charset=utf-8", res.Header.Get("Content-Type"))
	assert.Equal(t, releaseID, res.Header.Get("X-Release"))
	post, err := http.Post("http://"+address+"/echo", "text/plain", strings.NewReader(strings.Repeat("x", 100_000)))
	require.NoError(t, err)
	require.NoError(t, post.Body.Close())
	assert.Equal(t, http.StatusServiceUnavailable, post.StatusCode)
	for _, path := range []string{"/health", "/ready"} {
		res, _ = get(t, "http://"+address+path)
		assert.Equal(t, http.StatusOK, res.StatusCode, "health checks are unharmed")
		assert.Equal(t, "on", res.Header.Get("X-Maintenance"))
	}
	// A worker that starts during the maintenance answers with the page at once.
	_, other := onPort(t, "MAINTENANCE_FILE="+page)
	res, _ = get(t, "http://"+other+"/")
	assert.Equal(t, http.StatusServiceUnavailable, res.StatusCode)

	require.NoError(t, os.WriteFile(page, nil, 0o644))
	await(t, func() bool {
		_, body = get(t, "http://"+address+"/")
		return strings.Contains(body, "This service is being maintained")
	}, "an empty file is the plain page")

	require.NoError(t, os.Remove(page))
	await(t, func() bool {
		res, body = get(t, "http://"+address+"/")
		return res.StatusCode == http.StatusOK
	})
	assert.Equal(t, service, body)
	assert.Empty(t, res.Header.Get("X-Maintenance"))
	p.signal(syscall.SIGTERM)
	assert.Equal(t, 0, p.wait())
}
