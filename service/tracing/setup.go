// Package tracing sends OpenTelemetry traces if the standard environment
// variables enable them. Otherwise it costs nothing.
package tracing

import (
	"context"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"escala/service/outage"
)

// Start returns a tracer, and the function that sends the remaining spans and
// ends it. The exporter, the sampler, the batches and the service's name follow
// the OTEL_ variables of the process. Start makes no connection: an unavailable
// collector costs only traces. away records an outage of the collector, and the
// log reports each outage once.
func Start(ctx context.Context, release string, away *outage.Outage, log *slog.Logger) (trace.Tracer, func(context.Context) error, error) {
	// The handler gets the variables that the SDK cannot use, and the spans
	// that it drops later.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		if away.Begin(err) {
			log.Warn("traces are not sent", slog.Any("error", err))
		}
	}))
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("starting the trace exporter: %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "api"), attribute.String("service.version", release)),
		resource.WithFromEnv()) // last, so that OTEL_SERVICE_NAME overrides the name above
	if about == nil {
		return nil, nil, fmt.Errorf("describing the service to the trace collector: %w", err)
	}
	if err != nil { // the resource has the readable part
		log.WarnContext(ctx, "OTEL_RESOURCE_ATTRIBUTES is not key=value,key=value; traces are sent without it", slog.Any("error", err))
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(noting{exporter, away, log}), sdktrace.WithResource(about))
	return provider.Tracer("escala/service"), provider.Shutdown, nil
}

// noting is an exporter that records when its collector answers again.
type noting struct {
	sdktrace.SpanExporter
	away *outage.Outage
	log  *slog.Logger
}

// ExportSpans exports the spans. The SDK passes an error to the error handler.
func (n noting) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := n.SpanExporter.ExportSpans(ctx, spans)
	if err == nil && n.away.End() {
		n.log.InfoContext(ctx, "traces are sent again")
	}
	return err
}
