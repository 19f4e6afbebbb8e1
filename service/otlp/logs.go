package otlp

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"
)

// startLogs starts the export of the records of Log.
func (s *Sender) startLogs(ctx context.Context, o Options, about resourced) error {
	exporter, err := otlploghttp.New(ctx)
	if err != nil {
		return fmt.Errorf("starting the log exporter: %w", err)
	}
	logs := s.signal(o, "logs", "the log collector")
	q := newQueue(o.Config.Records, maxWaitingBytes, func(ctx context.Context, all []sdklog.Record) error {
		err := exporter.Export(ctx, all)
		logs.report(ctx, err)
		return err
	})
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(records{q, exporter}), sdklog.WithResource(about))
	sent := leveled{otelslog.NewHandler(scope, otelslog.WithLoggerProvider(provider)), o.Level}
	s.records = slog.New(sent).With(slog.Int("worker", o.Worker))
	s.Log = slog.New(slog.NewMultiHandler(o.Log.Handler(), s.records.Handler()))
	s.end = append(s.end, provider.Shutdown)
	return logs.lost(o, q.dropped.Load)
}

// leveled is a handler with a minimum level.
type leveled struct {
	slog.Handler
	least slog.Level
}

func (h leveled) Enabled(_ context.Context, l slog.Level) bool { return l >= h.least }

func (h leveled) WithAttrs(all []slog.Attr) slog.Handler {
	return leveled{h.Handler.WithAttrs(all), h.least}
}

func (h leveled) WithGroup(name string) slog.Handler {
	return leveled{h.Handler.WithGroup(name), h.least}
}

// records queues log records.
type records struct {
	queue    *queue[sdklog.Record]
	exporter sdklog.Exporter
}

var _ sdklog.Processor = records{}

func (p records) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }

// OnEmit queues a copy of the record.
func (p records) OnEmit(_ context.Context, r *sdklog.Record) error {
	copied := r.Clone()
	size := itemBytes + valueSize(r.Body())
	all := make([]attribute.KeyValue, 0, r.AttributesLen())
	r.WalkAttributes(func(one attribute.KeyValue) bool {
		if one.Value.Type() == attribute.STRING {
			// The text may be a part of a longer one, such as the path of a
			// request line. Without a copy, it would keep the longer one in
			// memory.
			one.Value = attribute.StringValue(strings.Clone(one.Value.AsString()))
		}
		size += len(one.Key) + valueSize(one.Value)
		all = append(all, one)
		return true
	})
	copied.SetAttributes(all...)
	p.queue.add(copied, size)
	return nil
}

func (p records) ForceFlush(context.Context) error { return nil }

func (p records) Shutdown(ctx context.Context) error {
	err := p.queue.end(ctx)
	_ = p.exporter.Shutdown(ctx) // the queue has sent or dropped all records
	return err
}
