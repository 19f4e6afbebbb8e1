package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAnswerThatNobodyReadsIsGivenUp checks that a handler's write fails after
// HTTP_WRITE_TIMEOUT if the client reads only the header.
func TestAnswerThatNobodyReadsIsGivenUp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		// ask sends a request and does not read the answer.
		ask func(t *testing.T, address string)
	}{
		{"HTTP/1", func(t *testing.T, address string) {
			t.Helper()
			c, err := net.Dial("tcp", address)
			require.NoError(t, err)
			t.Cleanup(func() { _ = c.Close() })
			_, err = io.WriteString(c, "GET /large HTTP/1.1\r\nHost: test\r\n\r\n")
			require.NoError(t, err)
		}},
		{"HTTP/2", func(t *testing.T, address string) {
			t.Helper()
			protocols := new(http.Protocols)
			protocols.SetUnencryptedHTTP2(true)
			ctx, cancel := context.WithCancel(t.Context())
			t.Cleanup(cancel)
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/large", http.NoBody)
			require.NoError(t, err)
			res, err := (&http.Transport{Protocols: protocols}).RoundTrip(req)
			require.NoError(t, err)
			t.Cleanup(func() { _ = res.Body.Close() })
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			took := make(chan time.Duration, 1)
			const limit = 400 * time.Millisecond
			_, address, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				begin := time.Now()
				var err error
				for block := make([]byte, 1<<20); err == nil && time.Since(begin) < maxWait; {
					_, err = w.Write(block)
				}
				assert.Error(t, err)
				took <- time.Since(begin)
			}, map[string]string{"HTTP_WRITE_TIMEOUT": limit.String()})
			tt.ask(t, address)
			select {
			case d := <-took:
				assert.GreaterOrEqual(t, d, limit/2)
			case <-time.After(2 * maxWait):
				t.Fatal("the handler still writes")
			}
		})
	}
}
