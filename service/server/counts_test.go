package server

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
	"escala/service/config"
)

// TestCounts checks the numbers of answers, and that only a request with the key gets
// them.
func TestCounts(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "3f0c9b1e-0000-4000-8000-000000000000"} {
		c, err := config.ReadWorker(func(name string) string {
			return map[string]string{service.EnvCountsKey: key}[name]
		})
		require.NoError(t, err)
		s := New(Options{
			Config: c, Release: testRelease, Log: slog.New(slog.DiscardHandler),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/bug" {
					panic("a bug")
				}
				if status, err := strconv.Atoi(r.URL.Query().Get("status")); err == nil {
					w.WriteHeader(status)
				}
				_, _ = io.WriteString(w, "the application's")
			}),
		})
		s.State.Set(Ready)
		ask := func(path, key string) string {
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			if key != "" {
				r.Header.Set(service.CountsHeader, key)
			}
			s.ServeHTTP(w, r)
			return fmt.Sprintf("%d %s", w.Code, w.Body)
		}
		for _, path := range []string{"/", "/?status=404", "/?status=499", "/?status=500", "/?status=503", "/bug", "/ready", "/health"} {
			ask(path, "")
		}
		assert.Equal(t, service.Counts{Release: testRelease, All: 6, Failed: 3}, s.Counts())
		assert.Equal(t, "200 the application's", ask(service.CountsPath, ""))
		assert.Equal(t, "200 the application's", ask(service.CountsPath, "guessed"))
		if key == "" {
			continue
		}
		assert.Equal(t, `200 {"release":"`+testRelease+`","all":8,"failed":3}`+"\n", ask(service.CountsPath, key))
		assert.Equal(t, `200 {"release":"`+testRelease+`","all":8,"failed":3}`+"\n", ask(service.CountsPath, key), "these answers do not count")
		s.refuse(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		assert.Equal(t, service.Counts{Release: testRelease, All: 9, Failed: 4}, s.Counts(), "a client that is turned away has failed")
	}
}
