package otlp

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// startTraces creates the tracer. OTEL_TRACES_SAMPLER selects the sampler.
func (s *Sender) startTraces(ctx context.Context, o Options, about resourced) error {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return fmt.Errorf("starting the trace exporter: %w", err)
	}
	traces := s.signal(o, "traces", "the trace collector")
	q := newQueue(o.Config.Spans, maxWaitingBytes, func(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
		err := exporter.ExportSpans(ctx, spans)
		traces.report(ctx, err)
		return err
	})
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans{q, exporter}), sdktrace.WithResource(about))
	s.Tracer = provider.Tracer(scope)
	s.end = append(s.end, provider.Shutdown)
	return traces.lost(o, q.dropped.Load)
}

// scope is the name of the instrumentation in the telemetry.
const scope = "escala/service"

// spans queues ended spans.
type spans struct {
	queue    *queue[sdktrace.ReadOnlySpan]
	exporter sdktrace.SpanExporter
}

var _ sdktrace.SpanProcessor = spans{}

func (p spans) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd queues a sampled span.
func (p spans) OnEnd(s sdktrace.ReadOnlySpan) {
	if s.SpanContext().IsSampled() {
		p.queue.add(s, spanSize(s))
	}
}

func (p spans) ForceFlush(context.Context) error { return nil }

func (p spans) Shutdown(ctx context.Context) error {
	err := p.queue.end(ctx)
	_ = p.exporter.Shutdown(ctx) // the queue has sent or dropped all spans
	return err
}

// itemBytes is an estimate of the size of a span, an event or a record without
// its texts.
const itemBytes = 512

// spanSize estimates a span's size in bytes.
func spanSize(s sdktrace.ReadOnlySpan) int {
	n := itemBytes + len(s.Name()) + len(s.Status().Description) + attributesSize(s.Attributes())
	if state := s.SpanContext().TraceState(); state.Len() > 0 {
		n += len(state.String())
	}
	for _, e := range s.Events() {
		n += itemBytes + len(e.Name) + attributesSize(e.Attributes)
	}
	for _, l := range s.Links() {
		n += itemBytes + attributesSize(l.Attributes)
	}
	return n
}

func attributesSize(all []attribute.KeyValue) int {
	n := 0
	for _, one := range all {
		n += len(one.Key) + valueSize(one.Value)
	}
	return n
}

// valueBytes is the size of a number, or of a text without its bytes.
const valueBytes = 48

func valueSize(v attribute.Value) int {
	n := valueBytes
	switch v.Type() {
	case attribute.STRING:
		n += len(v.AsString())
	case attribute.STRINGSLICE:
		for _, one := range v.AsStringSlice() {
			n += valueBytes + len(one)
		}
	case attribute.BOOL, attribute.INT64, attribute.FLOAT64:
	default: // lists, maps and the types of later versions
		n += len(v.String())
	}
	return n
}
