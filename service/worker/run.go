package worker

import (
	"context"
	"io"
	"time"

	"escala/service/metrics"
	"escala/service/outage"
	"escala/service/serve"
	"escala/service/server"
	"escala/service/tracing"
)

// lastTraces is the time limit for the last traces.
const lastTraces = time.Second

// Run serves until ctx ends, then drains. If hard ends too, it stops at once.
// The error is service.Violations for bad configuration, and *server.OpenError
// for a drain that reached its limit.
func Run(ctx, hard context.Context, getenv func(string) string, out io.Writer, newApp New) error {
	return serve.Run(ctx, getenv, out, func(p *serve.Process) error {
		m := metrics.New(p.Release)
		m.CountDroppedLines(p.DroppedLines)
		s := server.New(server.Options{Config: p.Config, Release: p.Release, Metrics: m, Log: p.Log})
		m.Watch(s)
		rt, err := newRuntime(p.Config, getenv, m, p.Log)
		if err != nil {
			return err
		}
		redisAway, collectorAway := outage.New("Redis"), outage.New("the trace collector")
		defer p.Report("ending what the application uses", rt.run(redisAway)) //nolint:contextcheck // rooms go on through the drain, after ctx has ended
		around := []reporter{redisAway, collectorAway}
		if rt.Rooms != nil {
			around = append(around, rt.Rooms)
		}
		endTraces := func() error { return nil }
		defer p.Report("sending the last traces", func() error { return endTraces() })
		return p.Serve(ctx, hard, s, func(starting context.Context) (App, error) {
			app, err := newApp(starting, rt)
			if err != nil {
				return app, err
			}
			if app.Trouble != nil {
				around = append(around, reports(app.Trouble))
			}
			app.LongLived, app.Trouble = longLived(rt, app), trouble(around)
			if p.Config.Tracing {
				tracer, end, err := tracing.Start(ctx, p.Release, collectorAway, p.Log)
				if err != nil {
					return app, err
				}
				app.Handler = tracing.Handler(app.Handler, tracer)
				endTraces = func() error { //nolint:contextcheck // ctx has ended by then
					last, cancel := context.WithTimeout(context.Background(), lastTraces)
					defer cancel()
					return end(last)
				}
			}
			return app, nil
		})
	})
}

func longLived(rt Runtime, app App) server.LongLived {
	var all several
	if rt.Rooms != nil {
		all = append(all, rt.Rooms)
	}
	if app.LongLived != nil {
		all = append(all, app.LongLived)
	}
	return all
}
