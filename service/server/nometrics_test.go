package server

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service/config"
)

func TestWithoutMetricsTheirPathIsTheApplications(t *testing.T) {
	t.Parallel()
	c, err := config.ReadWorker(func(string) string { return "" })
	require.NoError(t, err)
	s := New(Options{
		Config: c, Release: testRelease, Log: slog.New(slog.DiscardHandler),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/bug" {
				panic("a bug")
			}
			_, _ = io.WriteString(w, "the application's "+r.URL.Path)
		}),
	})
	s.State.Set(Ready)
	for path, want := range map[string]string{
		"/metrics": "200 the application's /metrics", "/ready": "200 ready", "/bug": "500 Internal Server Error\n",
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		assert.Equal(t, want, fmt.Sprintf("%d %s", w.Code, w.Body))
		assert.Equal(t, testRelease, w.Header().Get("X-Release"))
	}
	assert.EqualValues(t, 2, s.Requests(), "those of the application")
	assert.Zero(t, s.InFlight())
}
