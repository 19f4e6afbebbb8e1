// Package otlp sends a worker's traces, metrics and logs to an OpenTelemetry
// collector if the standard environment variables request it. Otherwise it costs
// nothing.
//
// The exporters are those of the SDK. The queues in front of them are this
// package's, and are limited in bytes. The SDK's processors limit the number of
// items, but a client of the service determines the size of a span or a log line.
package otlp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"escala/service/config"
	"escala/service/outage"
)

// Options describe a worker and the telemetry to send.
type Options struct {
	Config config.Telemetry
	// Service, Release and Worker become attributes of the resource.
	// OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES take precedence.
	Service, Release string
	Worker           int
	// Metrics are the metrics to send. Registry gets a counter of lost items.
	Metrics  prometheus.Gatherer
	Registry prometheus.Registerer
	// Log is the log of this process. It reports outages of the collector.
	Log *slog.Logger
	// Level is the least severe level of the records that are sent.
	Level slog.Level
}

// Sender sends a worker's telemetry.
type Sender struct {
	// Tracer is nil if no traces are sent.
	Tracer trace.Tracer
	// Log writes to Options.Log, and also sends the records if logs are on.
	Log *slog.Logger

	// records only sends logs. It is nil if logs are off.
	records *slog.Logger
	outages []*outage.Outage
	end     []func(context.Context) error
}

// Start starts the exporters without connecting to the collector. While the
// collector is unavailable, only telemetry is lost. The log and Outages report
// each outage once.
func Start(ctx context.Context, o Options) (*Sender, error) {
	s := &Sender{Log: o.Log}
	if !o.Config.Traces && !o.Config.Metrics && !o.Config.Logs {
		return s, nil
	}
	reportSDK(o.Log)
	about, err := newResource(ctx, o)
	if err != nil {
		return nil, err
	}
	for _, one := range []struct {
		on    bool
		start func(context.Context, Options, resourced) error
	}{{o.Config.Traces, s.startTraces}, {o.Config.Logs, s.startLogs}, {o.Config.Metrics, s.startMetrics}} {
		if !one.on {
			continue
		}
		if err := one.start(ctx, o, about); err != nil {
			return nil, errors.Join(err, s.End(ctx))
		}
	}
	return s, nil
}

// End sends all waiting items and ends the exporters, in parallel. It returns at
// the latest when ctx ends.
func (s *Sender) End(ctx context.Context) error {
	failed := make([]error, len(s.end))
	var all sync.WaitGroup
	for i, end := range s.end {
		all.Go(func() { failed[i] = end(ctx) })
	}
	all.Wait()
	return errors.Join(failed...)
}

// Failed sends the error that ends the worker. The caller writes it to the local
// log afterwards.
func (s *Sender) Failed(err error) {
	if s.records != nil {
		s.records.Error("worker failed", slog.Any("error", err))
	}
}

// Outages returns the records of the collector's outages, one for each signal.
func (s *Sender) Outages() []*outage.Outage { return s.outages }

// signal is one of the three kinds of telemetry: traces, metrics or logs.
type signal struct {
	// name is the signal's name in the log, such as "traces".
	name    string
	outages *outage.Outage
	log     *slog.Logger
}

// signal creates a signal. collector is the collector's name for people.
func (s *Sender) signal(o Options, name, collector string) signal {
	away := outage.New(collector)
	s.outages = append(s.outages, away)
	return signal{name, away, o.Log}
}

// report records whether the collector accepted an export.
func (s signal) report(ctx context.Context, err error) {
	switch {
	case err != nil:
		if err = errors.New(shorten(err.Error())); s.outages.Begin(err) {
			s.log.WarnContext(ctx, s.name+" are not sent", slog.Any("error", err))
		}
	case s.outages.End():
		s.log.InfoContext(ctx, s.name+" are sent again")
	}
}

// longest is the largest length of an error in the log, in bytes, because a
// collector's answer may be a whole page.
const longest = 500

func shorten(text string) string {
	if len(text) > longest {
		return text[:longest] + "…"
	}
	return text
}

// maxLoggedErrors is the number of different errors of the SDK that are logged.
const maxLoggedErrors = 20

// reportSDK logs each error of the SDK once, such as an invalid variable or a
// metric that cannot be converted.
func reportSDK(log *slog.Logger) {
	var mu sync.Mutex
	logged := map[string]bool{}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		text := shorten(err.Error())
		mu.Lock()
		first := !logged[text] && len(logged) < maxLoggedErrors
		if first {
			logged[text] = true
		}
		mu.Unlock()
		if first {
			log.Warn("OpenTelemetry", slog.String("error", text))
		}
	}))
}

// lost adds a counter of the signal's lost items to the worker's metrics.
func (s signal) lost(o Options, n func() uint64) error {
	err := o.Registry.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "telemetry_dropped_total", Help: "Spans and log records that were dropped because the collector did not take them.",
		ConstLabels: prometheus.Labels{"signal": s.name},
	}, func() float64 { return float64(n()) }))
	if err != nil {
		return fmt.Errorf("counting the lost %s: %w", s.name, err)
	}
	return nil
}
