package cloudinit

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// TestNginxPassesEventsOnAsTheyAreSent checks that Nginx holds back no part of a stream
// until there is more of it: the service sends the next event only when the client has
// the one before.
func TestNginxPassesEventsOnAsTheyAreSent(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	address := startNginx(t, service.NewSpec(), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 3 {
			_, _ = io.WriteString(w, "data: x\n\n")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-arrived:
			case <-r.Context().Done():
				return
			}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/events", nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for range 3 {
		for _, want := range []string{"data: x\n", "\n"} {
			line, err := lines.ReadString('\n')
			require.NoError(t, err, "an event does not arrive before the next is sent")
			assert.Equal(t, want, line)
		}
		arrived <- struct{}{}
	}
	_, err = lines.ReadByte()
	require.ErrorIs(t, err, io.EOF)
}
