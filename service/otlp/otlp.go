// Package otlp sends a worker's traces, metrics and logs to an OpenTelemetry
// collector, if the standard environment variables ask for it. Otherwise it costs
// nothing.
//
// The exporters are the SDK's. What waits for them is limited in bytes by queues of
// this package, because the SDK's processors limit it in numbers, and a client of the
// service decides how large a span or a log line is.
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

// Options describe a worker to its collector.
type Options struct {
	Config config.Telemetry
	// Service, Release and Worker are the resource's attributes. OTEL_SERVICE_NAME
	// and OTEL_RESOURCE_ATTRIBUTES go before them.
	Service, Release string
	Worker           int
	// Metrics are what is sent. Registry gets the number of lost items.
	Metrics  prometheus.Gatherer
	Registry prometheus.Registerer
	// Log is the log of this process. It reports outages of the collector.
	Log *slog.Logger
	// Level is the least severe level that is sent.
	Level slog.Level
}

// Sender sends a worker's telemetry.
type Sender struct {
	// Tracer is nil if no traces are sent.
	Tracer trace.Tracer
	// Log writes to Options.Log, and sends the records if logs are sent.
	Log *slog.Logger

	// records sends logs alone. It is nil if none are sent.
	records *slog.Logger
	away    []*outage.Outage
	end     []func(context.Context) error
}

// Start starts the exporters. It makes no connection: an unavailable collector costs
// only what is sent to it. The log and Outages report each outage once.
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

// End sends what waits and ends the exporters, at the same time. It returns when ctx
// ends, at the latest.
func (s *Sender) End(ctx context.Context) error {
	failed := make([]error, len(s.end))
	var all sync.WaitGroup
	for i, end := range s.end {
		all.Go(func() { failed[i] = end(ctx) })
	}
	all.Wait()
	return errors.Join(failed...)
}

// Failed sends the error with which the worker ends. Its own log gets it later.
func (s *Sender) Failed(err error) {
	if s.records != nil {
		s.records.Error("worker failed", slog.Any("error", err))
	}
}

// Outages are the collector's, one for each signal.
func (s *Sender) Outages() []*outage.Outage { return s.away }

// signal is one of traces, metrics and logs.
type signal struct {
	// name is the word in the log, such as "traces".
	name string
	away *outage.Outage
	log  *slog.Logger
}

// signal returns a new signal. collector is the collector's name for people.
func (s *Sender) signal(o Options, name, collector string) signal {
	away := outage.New(collector)
	s.away = append(s.away, away)
	return signal{name, away, o.Log}
}

// note records whether the collector took an export.
func (s signal) note(ctx context.Context, err error) {
	switch {
	case err != nil:
		if err = errors.New(short(err.Error())); s.away.Begin(err) {
			s.log.WarnContext(ctx, s.name+" are not sent", slog.Any("error", err))
		}
	case s.away.End():
		s.log.InfoContext(ctx, s.name+" are sent again")
	}
}

// longest is the longest text of an error in the log, in bytes: a collector's answer
// may be a page.
const longest = 500

func short(text string) string {
	if len(text) > longest {
		return text[:longest] + "…"
	}
	return text
}

// mostComplaints is the number of different complaints that are logged.
const mostComplaints = 20

// reportSDK logs each complaint of the SDK once: variables that it cannot use, and
// metrics that it cannot convert.
func reportSDK(log *slog.Logger) {
	var mu sync.Mutex
	said := map[string]bool{}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		text := short(err.Error())
		mu.Lock()
		fresh := !said[text] && len(said) < mostComplaints
		if fresh {
			said[text] = true
		}
		mu.Unlock()
		if fresh {
			log.Warn("OpenTelemetry", slog.String("error", text))
		}
	}))
}

// lost adds the number of lost items of a signal to the worker's metrics.
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
