package config

import (
	"net/url"
	"slices"
	"strings"
)

// The OpenTelemetry variables that this package checks. The SDK reads all of
// them, but continues without traces if one of these is invalid.
const (
	EnvTraces         = "OTEL_TRACES_EXPORTER"
	EnvTracesDisabled = "OTEL_SDK_DISABLED"
)

var (
	otlpEndpoints = []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}
	otlpProtocols = []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"}
)

// tracing reports whether traces are sent: an endpoint is set, and no variable
// disables them.
func (r *reader) tracing() bool {
	if strings.EqualFold(r.getenv(EnvTracesDisabled), "true") || r.getenv(EnvTraces) == "none" {
		return false
	}
	on := false
	for _, name := range otlpEndpoints {
		s := r.getenv(name)
		if s == "" {
			continue
		}
		on = true
		u, err := url.Parse(s)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			r.bad.Add(name, "%q is not the URL of a collector; for example \"http://collector:4318\"", s)
		}
	}
	for _, name := range otlpProtocols {
		if s := r.getenv(name); on && s != "" && s != "http/protobuf" {
			r.bad.Add(name, "%q is not supported; collectors take \"http/protobuf\", usually on port 4318", s)
		}
	}
	if s := r.getenv(EnvTraces); on && s != "" && !slices.Contains(strings.Split(s, ","), "otlp") {
		r.bad.Add(EnvTraces, "%q is neither \"otlp\" nor \"none\"", s)
	}
	return on
}
