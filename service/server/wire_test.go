package server

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestConnectionsCarryWhatIsWritten checks that bytes arrive unchanged if they
// look like the beginning of a response in the middle of other data. An HTTP/2
// connection carries several clients' bodies, and a write can begin anywhere in
// them.
func TestConnectionsCarryWhatIsWritten(t *testing.T) {
	t.Parallel()
	c, peer := pair(t)
	received := make(chan string)
	go func() {
		b, _ := io.ReadAll(peer)
		received <- string(b)
	}()
	writes := []string{"\x00\x00\x00\x04\x00\x00\x00\x00\x00", "HTTP/1.1 200 OK\r\nstill the body", "HTTP/1.1 404 Not Found\r\n"}
	for _, w := range writes {
		n, err := io.WriteString(c, w)
		require.NoError(t, err)
		require.Equal(t, len(w), n)
	}
	require.NoError(t, c.Close())
	assert.Equal(t, strings.Join(writes, ""), <-received)
}
