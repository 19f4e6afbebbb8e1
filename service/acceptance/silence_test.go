package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWhatNeverWorkedIsReportedOnce checks how a worker reports dependencies that
// never answer: once each in the log, with the reason, and in the status for as
// long as the outage lasts.
func TestWhatNeverWorkedIsReportedOnce(t *testing.T) {
	t.Parallel()
	traced := []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TIMEOUT=500",
		"OTEL_BSP_SCHEDULE_DELAY=100", "OTEL_BLRP_SCHEDULE_DELAY=100", "OTEL_METRIC_EXPORT_INTERVAL=100",
	}
	traced = traced[:len(traced):len(traced)]
	for _, tt := range []struct {
		name, trouble, line string
		env                 []string
	}{
		{"Redis, for rooms", "Redis has been away since 20", "Redis does not answer; rooms are local", []string{"REDIS_URL=redis://127.0.0.1:1/0", "ROOMS=true"}},
		{"Redis, for the application", "Redis has been away since 20", "Redis does not answer; what needs it fails", []string{"REDIS_URL=redis://127.0.0.1:1/0"}},
		{"a trace collector", "the trace collector has been away since 20", "traces are not sent", append(traced, "OTEL_METRICS_EXPORTER=none", "OTEL_LOGS_EXPORTER=none")},
		{"a metrics collector", "the metrics collector has been away since 20", "metrics are not sent", append(traced, "OTEL_TRACES_EXPORTER=none", "OTEL_LOGS_EXPORTER=none")},
		{"a log collector", "the log collector has been away since 20", "logs are not sent", append(traced, "OTEL_TRACES_EXPORTER=none", "OTEL_METRICS_EXPORTER=none")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			address, socket := sharedSocket(t)
			p := worker(t, socket, append(tt.env, "LISTEN=fd:0")...)
			get(t, "http://"+address+"/")
			await(t, func() bool { return strings.Contains(p.status().Trouble, tt.trouble) }, "%s", lazy(p.output))
			assert.Contains(t, p.status().Trouble, "connection refused")
			p.awaitOutput(tt.line)
			get(t, "http://"+address+"/")
			p.signal(syscall.SIGTERM)
			assert.Equal(t, 0, p.wait())
			assert.Equal(t, 1, strings.Count(p.output(), tt.line), "%s", p.output())
		})
	}
}

func TestResourceAttributesThatCannotBeReadCostNoWorker(t *testing.T) {
	t.Parallel()
	_, socket := sharedSocket(t)
	p := worker(t, socket, "LISTEN=fd:0", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_RESOURCE_ATTRIBUTES=nonsense")
	p.awaitOutput("OTEL_RESOURCE_ATTRIBUTES is not key=value")
}

// TestUnixSocketForAProxyOfAnotherGroup checks that the socket has the configured
// mode and group.
func TestUnixSocketForAProxyOfAnotherGroup(t *testing.T) {
	t.Parallel()
	path := filepath.Join(socketDir(t), "api.sock")
	worker(t, nil, "LISTEN=unix:"+path, "LISTEN_MODE=0606", fmt.Sprintf("LISTEN_GROUP=%d", os.Getegid()))
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o606), info.Mode().Perm())
	assert.EqualValues(t, os.Getegid(), info.Sys().(*syscall.Stat_t).Gid)
	p := unready(t, nil, "LISTEN=unix:"+path+"2", "LISTEN_GROUP=no-such-group")
	assert.Equal(t, 1, p.wait())
	assert.Contains(t, p.output(), "no-such-group")
}
