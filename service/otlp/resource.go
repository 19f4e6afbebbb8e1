package otlp

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
)

// resourced describes this process to the collector.
type resourced = *resource.Resource

// newResource describes this process with OpenTelemetry's attribute names
// (opentelemetry.io/docs/specs/semconv/resource).
func newResource(ctx context.Context, o Options) (resourced, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(
			attribute.String("service.name", o.Service),
			attribute.String("service.version", o.Release),
			// Each process needs an id of its own, also two workers of a machine,
			// and the two processes of a worker during a roll. Otherwise their
			// counters would be mixed.
			attribute.String("service.instance.id", fmt.Sprintf("%s/%d/%d", host, o.Worker, os.Getpid())),
			attribute.String("host.name", host)),
		resource.WithFromEnv()) // last, so that OTEL_SERVICE_NAME overrides the name above
	if about == nil {
		return nil, fmt.Errorf("describing the service to the collector: %w", err)
	}
	if err != nil { // the resource contains all attributes that could be read
		o.Log.WarnContext(ctx, "OTEL_RESOURCE_ATTRIBUTES is not key=value,key=value; telemetry is sent without it", slog.Any("error", err))
	}
	return about, nil
}
