package prefork

import (
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"escala/service/config"
)

// TestPreflightTakesAStreamForAnAnswer checks that a service passes its preflight
// if its root path answers with an endless stream.
func TestPreflightTakesAStreamForAnAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, message string
		root          http.HandlerFunc
	}{
		{"a stream", "", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "data: 1\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}},
		{"not found", "", http.NotFound},
		{"an error of the service", "/ answers 500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			exe := &executable{release: "r"}
			mux := http.NewServeMux()
			mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Release", exe.release) })
			mux.HandleFunc("/", tt.root)
			path := filepath.Join(t.TempDir(), "s")
			l, err := net.Listen("unix", path)
			require.NoError(t, err)
			server := &http.Server{Handler: mux}
			go func() { _ = server.Serve(l) }()
			t.Cleanup(func() { _ = server.Close() })
			p := &primary{Options: Options{Config: config.Prefork{Worker: config.Worker{HealthPath: "/health"}}}}
			err = p.request(t.Context(), path, exe)
			if tt.message == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.message)
		})
	}
}
