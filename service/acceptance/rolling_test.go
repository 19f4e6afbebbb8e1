package acceptance

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// restarts returns the number of workers that each test replaces.
// ROLLING_RESTARTS increases it for a thorough run.
func restarts(t *testing.T) int {
	t.Helper()
	s := os.Getenv("ROLLING_RESTARTS")
	if s == "" {
		return 4
	}
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}

// TestRollingRestartLosesNothing checks that no request fails while workers are
// restarted as by a supervisor: send SIGTERM, wait for the end, start again, wait
// until it is ready.
func TestRollingRestartLosesNothing(t *testing.T) {
	const workers = 2
	type setup struct {
		url   string
		start func(n int) *process
	}
	shared := func(t *testing.T) setup {
		address, socket := sharedSocket(t)
		return setup{"http://" + address, func(n int) *process {
			return worker(t, socket, "LISTEN=fd:0", fmt.Sprintf("WORKER=%d", n), "DRAIN_LINGER=1s")
		}}
	}
	behindNginx := func(t *testing.T) setup {
		s := shared(t)
		s.url = startNginx(t, s.url[len("http://"):])
		return s
	}
	ports := func(t *testing.T) setup {
		addresses := []string{fmt.Sprintf("127.0.0.1:%d", freePort(t)), fmt.Sprintf("127.0.0.1:%d", freePort(t))}
		return setup{startNginx(t, addresses...), func(n int) *process {
			return worker(t, nil, "LISTEN=tcp:"+addresses[n], fmt.Sprintf("WORKER=%d", n), "DRAIN_LINGER=1s")
		}}
	}
	tests := []struct {
		name      string
		setup     func(*testing.T) setup
		keepAlive bool
	}{
		{"shared socket, keep-alive", shared, true},
		{"shared socket, new connections", shared, false},
		{"Nginx, shared socket, keep-alive", behindNginx, true},
		{"Nginx, shared socket, new connections", behindNginx, false},
		{"Nginx, ports, keep-alive", ports, true},
		{"Nginx, ports, new connections", ports, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := tt.setup(t)
			var running [workers]*process
			for n := range running {
				running[n] = s.start(n)
			}
			l := startLoad(t, s.url, 8, tt.keepAlive)
			l.awaitAnswers(t, 50)
			for i := range restarts(t) {
				n := i % workers
				running[n].signal(syscall.SIGTERM)
				require.Equal(t, 0, running[n].wait())
				running[n] = s.start(n)
				l.awaitAnswers(t, 50)
			}
			sent, failures := l.stop()
			t.Logf("%d requests, %d failures, %d restarts", sent, len(failures), restarts(t))
			assert.Empty(t, failures)
			assert.Len(t, l.workers, workers, "both workers answer")
			assert.Equal(t, map[string]int{releaseID: int(sent)}, l.releases)
		})
	}
}
