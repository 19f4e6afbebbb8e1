package acceptance

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTracesAreSentWhenAskedFor uses its own collector. The message is Protocol
// Buffers, which contains strings and identifiers unencoded.
func TestTracesAreSentWhenAskedFor(t *testing.T) {
	t.Parallel()
	bodies := make(chan []byte, 100)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		in := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(r.Body)
			if !assert.NoError(t, err) {
				return
			}
			in = z
		}
		b, err := io.ReadAll(in)
		assert.NoError(t, err)
		assert.Equal(t, "/v1/traces", r.URL.Path)
		bodies <- b
	}))
	defer collector.Close()
	p, address := onPort(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.URL, "OTEL_SERVICE_NAME=shop")
	req, err := http.NewRequest(http.MethodGet, "http://"+address+"/slow?ms=1", nil)
	require.NoError(t, err)
	req.Header.Set("Traceparent", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	got, _, err := replied(res)
	require.NoError(t, err)
	http.DefaultClient.CloseIdleConnections()
	assert.Equal(t, http.StatusOK, got.StatusCode)
	p.signal(syscall.SIGTERM) // what is left is sent at the end
	assert.Equal(t, 0, p.wait())
	select {
	case b := <-bodies:
		for _, want := range []string{"GET /slow", "shop", releaseID, got.Header.Get("X-Request-Id"), "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef"} {
			assert.True(t, bytes.Contains(b, []byte(want)), "%q is in the trace", want)
		}
	case <-time.After(maxWait):
		require.FailNow(t, "no trace came")
	}
}

func TestACollectorThatIsDownCostsNothingElse(t *testing.T) {
	t.Parallel()
	p, address := onPort(t, "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1")
	res, _ := get(t, "http://"+address+"/")
	assert.Equal(t, http.StatusOK, res.StatusCode)
	p.signal(syscall.SIGTERM)
	assert.Equal(t, 0, p.wait())
}
