package otlp

import (
	"context"
	"fmt"

	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// startMetrics sends all metrics of the registry, including the application's,
// every OTEL_METRIC_EXPORT_INTERVAL (default 60 s). There is no queue: the values
// are totals, so the next export replaces a failed one.
func (s *Sender) startMetrics(ctx context.Context, o Options, about resourced) error {
	exporter, err := otlpmetrichttp.New(ctx)
	if err != nil {
		return fmt.Errorf("starting the metrics exporter: %w", err)
	}
	metrics := s.signal(o, "metrics", "the metrics collector")
	reader := sdkmetric.NewPeriodicReader(figures{exporter, metrics},
		sdkmetric.WithProducer(bridge.NewMetricProducer(bridge.WithGatherer(o.Metrics))))
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithResource(about))
	s.end = append(s.end, provider.Shutdown)
	return nil
}

// figures is an exporter that records whether the collector accepts the metrics.
type figures struct {
	sdkmetric.Exporter
	signal signal
}

// Export returns no error, because the signal has already recorded it.
func (f figures) Export(ctx context.Context, all *metricdata.ResourceMetrics) error {
	f.signal.report(ctx, f.Exporter.Export(ctx, all))
	return nil
}
