// Package tracing sends traces by OpenTelemetry when the usual environment
// variables ask for it, and costs nothing when they do not.
package tracing

import (
	"context"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Enabled says whether an endpoint for traces is set and nothing turns them
// off: OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
// OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER.
func Enabled(getenv func(string) string) bool {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// Start returns a tracer and the function that sends what is left and ends it.
// The exporter, the sampler, the batches and the service's name follow the
// OTEL_ variables of the process. No connection is made here: a collector
// that is down costs traces and nothing else.
func Start(ctx context.Context, release string) (trace.Tracer, func(context.Context) error, error) {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("starting the trace exporter: %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "api"), attribute.String("service.version", release)),
		resource.WithFromEnv()) // last: OTEL_SERVICE_NAME goes before our name
	if err != nil {
		return nil, nil, fmt.Errorf("describing the service to the trace collector: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return provider.Tracer("escala/service"), provider.Shutdown, nil
}
