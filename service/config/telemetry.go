package config

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// The OpenTelemetry variables that this package reads. The SDK's exporters read
// all others (headers, certificates, compression, timeouts), and continue with a
// default if one of these is invalid. Names and defaults are those of the
// specification:
// opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables and
// opentelemetry.io/docs/specs/otel/protocol/exporter.
const (
	// EnvTelemetryDisabled turns off all telemetry if it is "true".
	EnvTelemetryDisabled = "OTEL_SDK_DISABLED"
	// EnvOTLPEndpoint is the URL of the collector. The path of each signal is
	// added to it ("/v1/traces"). EnvOTLPProtocol can only be "http/protobuf". A
	// variable for one signal takes precedence over each:
	// OTEL_EXPORTER_OTLP_METRICS_ENDPOINT.
	EnvOTLPEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	EnvOTLPProtocol = "OTEL_EXPORTER_OTLP_PROTOCOL"
	// EnvTraces, EnvMetricsExporter and EnvLogs are "otlp" or "none". Default
	// otlp if an endpoint is set, otherwise none. Without an endpoint, "otlp"
	// uses a collector on this machine, http://localhost:4318. EnvMetricsExporter
	// can also be "prometheus", which has no effect: a worker always answers
	// Prometheus.
	EnvTraces          = "OTEL_TRACES_EXPORTER"
	EnvMetricsExporter = "OTEL_METRICS_EXPORTER"
	EnvLogs            = "OTEL_LOGS_EXPORTER"
)

// Telemetry holds the settings of the telemetry that a worker sends to a
// collector by OTLP.
type Telemetry struct {
	Traces, Metrics, Logs bool
	// Spans and Records limit the spans and log records that wait.
	Spans, Records Batch
}

// Batch holds the limits of a queue of spans or log records.
type Batch struct {
	// Delay is the time between two exports. Default 5 s for traces, 1 s for logs.
	Delay time.Duration
	// Timeout is the time limit of an export with its retries. Default 30 s.
	Timeout time.Duration
	// Queue is the largest number of items that wait. Size is the largest number
	// in one export. Default 2048 and 512.
	Queue, Size int
}

// telemetry reads the settings of all signals.
func (r *reader) telemetry() Telemetry {
	if strings.EqualFold(r.getenv(EnvTelemetryDisabled), "true") {
		return Telemetry{}
	}
	t := Telemetry{
		Traces:  r.sends(EnvTraces, "TRACES"),
		Metrics: r.sends(EnvMetricsExporter, "METRICS", "prometheus"),
		Logs:    r.sends(EnvLogs, "LOGS"),
	}
	if t.Traces {
		t.Spans = r.batch("OTEL_BSP_", 5*time.Second)
	}
	if t.Logs {
		t.Records = r.batch("OTEL_BLRP_", time.Second)
	}
	if t.Traces || t.Metrics || t.Logs {
		r.collector(EnvOTLPEndpoint, EnvOTLPProtocol)
	}
	return t
}

// sends reports whether a signal is sent to a collector. exporter is the name of
// its variable. already lists the exporters that a worker always has.
func (r *reader) sends(exporter, signal string, already ...string) bool {
	endpoint, protocol := "OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT", "OTEL_EXPORTER_OTLP_"+signal+"_PROTOCOL"
	words := r.list(exporter)
	on := len(words) == 0 && (r.getenv(EnvOTLPEndpoint) != "" || r.getenv(endpoint) != "")
	for _, one := range words {
		if one == "none" || slices.Contains(already, one) {
			continue
		}
		on = true
		if one != "otlp" {
			r.bad.Add(exporter, "%q is neither \"otlp\" nor \"none\"", one)
		}
	}
	if on {
		r.collector(endpoint, protocol)
	}
	return on
}

// collector checks a collector's address and protocol, if they are set.
func (r *reader) collector(endpoint, protocol string) {
	if s := r.getenv(endpoint); s != "" {
		u, err := url.Parse(s)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			r.bad.Add(endpoint, "%q is not the URL of a collector; for example \"http://collector:4318\"", s)
		}
	}
	if s := r.getenv(protocol); s != "" && s != "http/protobuf" {
		r.bad.Add(protocol, "%q is not supported; collectors take \"http/protobuf\", usually on port 4318", s)
	}
}

// batch reads the limits of a batch processor. The specification counts time in
// milliseconds.
func (r *reader) batch(prefix string, delay time.Duration) Batch {
	milliseconds := func(name string, fallback time.Duration) time.Duration {
		return time.Duration(r.number(prefix+name, int(fallback.Milliseconds()), 1, 3_600_000)) * time.Millisecond
	}
	b := Batch{
		Delay:   milliseconds("SCHEDULE_DELAY", delay),
		Timeout: milliseconds("EXPORT_TIMEOUT", 30*time.Second),
		Queue:   r.number(prefix+"MAX_QUEUE_SIZE", 2048, 1, 1_000_000),
	}
	b.Size = r.number(prefix+"MAX_EXPORT_BATCH_SIZE", min(512, b.Queue), 1, b.Queue)
	return b
}
