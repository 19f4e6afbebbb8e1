package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTelemetry(t *testing.T) {
	t.Parallel()
	const at = "http://collector:4318"
	for name, tt := range map[string]struct {
		env                   map[string]string
		traces, metrics, logs bool
	}{
		"nothing":                  {},
		"all":                      {map[string]string{EnvOTLPEndpoint: at}, true, true, true},
		"disabled":                 {map[string]string{EnvOTLPEndpoint: at, EnvTelemetryDisabled: "True"}, false, false, false},
		"one":                      {map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": at}, false, true, false},
		"all but one":              {map[string]string{EnvOTLPEndpoint: at, EnvLogs: "none"}, true, true, false},
		"this machine's collector": {map[string]string{EnvTraces: "otlp"}, true, false, false},
		"prometheus":               {map[string]string{EnvOTLPEndpoint: at, EnvMetricsExporter: "prometheus"}, true, false, true},
		"both":                     {map[string]string{EnvOTLPEndpoint: at, EnvMetricsExporter: "prometheus, otlp"}, true, true, true},
	} {
		w, err := ReadWorker(env(tt.env))
		require.NoError(t, err, name)
		assert.Equal(t, []bool{tt.traces, tt.metrics, tt.logs}, []bool{w.Telemetry.Traces, w.Telemetry.Metrics, w.Telemetry.Logs}, name)
		if tt.traces {
			assert.Equal(t, Batch{5 * time.Second, 30 * time.Second, 2048, 512}, w.Telemetry.Spans, name)
		}
		if tt.logs {
			assert.Equal(t, Batch{time.Second, 30 * time.Second, 2048, 512}, w.Telemetry.Records, name)
		}
	}
	w, err := ReadWorker(env(map[string]string{EnvOTLPEndpoint: at, "OTEL_BLRP_MAX_QUEUE_SIZE": "100", "OTEL_BLRP_SCHEDULE_DELAY": "50", "SERVICE_NAME": "shop"}))
	require.NoError(t, err)
	assert.Equal(t, Batch{50 * time.Millisecond, 30 * time.Second, 100, 100}, w.Telemetry.Records)
	assert.Equal(t, "shop", w.Service)
	_, err = ReadWorker(env(map[string]string{EnvOTLPEndpoint: at, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "4096", EnvOTLPProtocol: "grpc"}))
	require.ErrorContains(t, err, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE")
	require.ErrorContains(t, err, `OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" is not supported`)
}
