package worker

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"escala/service/metrics"
	"escala/service/otlp"
	"escala/service/outage"
	"escala/service/serve"
	"escala/service/server"
)

// lastTelemetry is the time limit for sending the last traces, metrics and logs
// together. The sum of this, serve.LastLines and the time that the exporters need
// to end is below service.StopMargin.
const lastTelemetry = 800 * time.Millisecond

// Run serves until ctx ends, then drains. If hard ends too, it stops at once.
// The error is service.Violations for bad configuration, and *server.OpenError
// for a drain that reached its limit.
func Run(ctx, hard context.Context, getenv func(string) string, out io.Writer, newApp New) error {
	return serve.Run(ctx, getenv, out, func(p *serve.Process) (err error) {
		m := metrics.New(p.Config.Service, p.Release)
		m.CountDroppedLines(p.DroppedLines)
		sender, err := startTelemetry(ctx, p, m)
		if err != nil {
			return err
		}
		defer p.Report("sending the last telemetry", func() error { //nolint:contextcheck // ctx has ended by then
			if err != nil {
				sender.Failed(err)
			}
			last, cancel := context.WithTimeout(context.Background(), lastTelemetry)
			defer cancel()
			return sender.End(last)
		})
		s := server.New(server.Options{Config: p.Config, Release: p.Release, Metrics: m, Log: p.Log})
		m.Watch(s)
		rt, err := newRuntime(p.Config, getenv, m, p.Log)
		if err != nil {
			return err
		}
		redisOutage := outage.New("Redis")
		defer p.Report("ending what the application uses", rt.run(redisOutage)) //nolint:contextcheck // rooms go on through the drain, after ctx has ended
		reporters := []reporter{redisOutage}
		for _, away := range sender.Outages() {
			reporters = append(reporters, away)
		}
		if rt.Rooms != nil {
			reporters = append(reporters, rt.Rooms)
		}
		return p.Serve(ctx, hard, s, func(starting context.Context) (App, error) {
			app, err := newApp(starting, rt)
			if err != nil {
				return app, err
			}
			if app.Trouble != nil {
				reporters = append(reporters, reports(app.Trouble))
			}
			app.LongLived, app.Trouble = longLived(rt, app), trouble(reporters)
			if sender.Tracer != nil {
				app.Handler = traced(app.Handler, sender.Tracer)
			}
			return app, nil
		})
	})
}

// startTelemetry starts the exporters, and adds them to the process's log.
func startTelemetry(ctx context.Context, p *serve.Process, m *metrics.HTTP) (*otlp.Sender, error) {
	sender, err := otlp.Start(ctx, otlp.Options{
		Config: p.Config.Telemetry, Service: p.Config.Service, Release: p.Release, Worker: p.Config.Number,
		Metrics: m.Gatherer, Registry: m.Registry, Log: p.Log, Level: p.Config.LogLevel,
	})
	if err != nil {
		return nil, fmt.Errorf("starting the telemetry: %w", err)
	}
	if sender.Log != p.Log {
		p.Log = sender.Log
		slog.SetDefault(p.Log)
	}
	return sender, nil
}

func longLived(rt Runtime, app App) server.LongLived {
	var all allLongLived
	if rt.Rooms != nil {
		all = append(all, rt.Rooms)
	}
	if app.LongLived != nil {
		all = append(all, app.LongLived)
	}
	return all
}
