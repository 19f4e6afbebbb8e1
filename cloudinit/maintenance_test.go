package cloudinit

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/host"
	"escala/service"
)

// TestNginxAnswersWithThePageDuringAMaintenance checks that clients get the page,
// and that checks of the service's health still reach the service.
func TestNginxAnswersWithThePageDuringAMaintenance(t *testing.T) {
	for _, mode := range []service.WorkersMode{service.WorkersShared, service.WorkersPorts} {
		t.Run(string(mode), func(t *testing.T) {
			spec := service.NewSpec()
			spec.Workers.Mode = mode
			address, log := startLogging(t, spec, func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/busy":
					w.WriteHeader(http.StatusServiceUnavailable)
				case "/teapot":
					w.WriteHeader(http.StatusTeapot)
				}
				_, _ = io.WriteString(w, "the service: "+r.Method)
			})
			ask := func(method, path string) (int, string, http.Header) {
				t.Helper()
				req, err := http.NewRequest(method, "http://"+address+path, strings.NewReader(strings.Repeat("x", 100_000)))
				require.NoError(t, err)
				resp, err := http.DefaultClient.Do(req)
				require.NoError(t, err)
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				return resp.StatusCode, string(body), resp.Header
			}
			serves := func() {
				t.Helper()
				for path, want := range map[string]int{"/": 200, "/busy": 503, "/teapot": 418} {
					code, body, header := ask(http.MethodPost, path)
					assert.Equal(t, want, code)
					assert.Equal(t, "the service: POST", body)
					assert.Empty(t, header.Get("Retry-After"))
				}
				code, _, _ := ask(http.MethodGet, "/-/maintenance")
				assert.Equal(t, http.StatusNotFound, code, "nobody asks for the page itself")
			}
			serves()

			root := filepath.Dir(log)
			page := root + host.MaintenancePage
			require.NoError(t, os.MkdirAll(filepath.Dir(page), 0o755))
			require.NoError(t, os.WriteFile(page, []byte("<p>Back at ten</p>"), 0o644))
			for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
				for _, path := range []string{"/", "/deep/er?q=1", "/busy", spec.HealthPath + "/other"} {
					code, body, header := ask(method, path)
					assert.Equal(t, http.StatusServiceUnavailable, code, "%s %s", method, path)
					assert.Equal(t, "<p>Back at ten</p>", body)
					assert.Equal(t, "60", header.Get("Retry-After"))
					assert.Equal(t, "no-store", header.Get("Cache-Control"))
					assert.Equal(t, "text/html; charset=utf-8", header.Get("Content-Type"))
				}
			}
			for _, path := range []string{spec.HealthPath, spec.ReadyPath} {
				code, body, _ := ask(http.MethodGet, path)
				assert.Equal(t, http.StatusOK, code)
				assert.Equal(t, "the service: GET", body)
			}

			require.NoError(t, os.Remove(page))
			serves()
		})
	}
}
