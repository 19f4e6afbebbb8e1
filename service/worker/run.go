package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"escala/service"
	"escala/service/config"
	"escala/service/listen"
	"escala/service/logs"
	"escala/service/memlimit"
	"escala/service/metrics"
	"escala/service/outage"
	"escala/service/release"
	"escala/service/server"
	"escala/service/tracing"
)

// Run serves until ctx ends, then drains. If hard ends too, it stops at once.
// The error is service.Violations for bad configuration, and *server.OpenError
// for a drain that reached its limit.
func Run(ctx, hard context.Context, getenv func(string) string, out io.Writer, newApp New) error {
	lines := logs.NewWriter(out)
	defer lines.Flush(lastLines)
	err := run(ctx, hard, getenv, lines, newApp)
	if err != nil {
		slog.Error("worker failed", slog.Any("error", err))
	}
	return err
}

func run(ctx, hard context.Context, getenv func(string) string, lines *logs.Writer, newApp New) error {
	releaseID := make(chan hashed, 1)
	go func() { // reading the executable takes as long as the rest of the start
		id, err := release.Running()
		releaseID <- hashed{id, err}
	}()
	c, err := config.ReadWorker(getenv)
	if err != nil {
		return err
	}
	log := logs.New(lines, c.LogLevel).With(slog.Int("worker", c.Number))
	slog.SetDefault(log)
	if limit := memlimit.Apply(getenv); limit > 0 {
		log.Debug("memory limit", slog.Int64("bytes", limit))
	}

	pacing, stopPacing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopPacing()
	go memlimit.Pace(pacing, getenv)

	id := <-releaseID
	if id.err != nil {
		return id.err
	}
	m := metrics.New(id.release)
	m.CountDroppedLines(lines.Dropped)
	s := server.New(server.Options{Config: c, Release: id.release, Metrics: m, Log: log})
	if c.AdminSocket != "" {
		stop, err := s.Admin(ctx, c.AdminSocket)
		if err != nil {
			return err
		}
		defer report(log, "closing the admin socket", stop)
	}
	rt, err := newRuntime(c, getenv, m, log)
	if err != nil {
		return err
	}
	redisAway, collectorAway := outage.New("Redis"), outage.New("the trace collector")
	defer report(log, "ending what the application uses", rt.run(redisAway)) //nolint:contextcheck // rooms go on through the drain, after ctx has ended
	app, err := start(ctx, c, newApp, rt)
	if ctx.Err() != nil {
		log.Info("told to end before it was ready", slog.Any("error", err))
		return nil
	}
	if err != nil {
		return err
	}
	s.Handler, s.Ready, s.LongLived = app.Handler, app.Ready, longLived(rt, app)
	around := []reporter{redisAway, collectorAway}
	if rt.Rooms != nil {
		around = append(around, rt.Rooms)
	}
	s.Trouble = trouble(around)
	if c.Tracing {
		tracer, end, err := tracing.Start(ctx, id.release, collectorAway, log)
		if err != nil {
			return err
		}
		s.Handler = server.Traced(s.Handler, tracer)
		defer report(log, "sending the last traces", func() error { //nolint:contextcheck // ctx has ended by then
			last, cancel := context.WithTimeout(context.Background(), lastTraces)
			defer cancel()
			return end(last)
		})
	}
	err = serve(ctx, hard, s, log)
	if app.Stop != nil {
		err = errors.Join(err, app.Stop(hard))
	}
	return err
}

// report runs the shutdown of something that is no longer needed, and logs its
// error. An error does not affect clients and does not change the exit status.
func report(log *slog.Logger, doing string, stop func() error) {
	if err := stop(); err != nil {
		log.Warn(doing, slog.Any("error", err))
	}
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

// lastTraces is the time limit for the last traces. lastLines is the time limit
// for the last log lines.
const (
	lastTraces = time.Second
	lastLines  = time.Second
)

type hashed struct {
	release string
	err     error
}

// start creates the application and runs its start hook within START_TIMEOUT.
func start(ctx context.Context, c config.Worker, newApp New, rt Runtime) (App, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Lifecycle.Start,
		fmt.Errorf("not ready within %s (%s)", c.Lifecycle.Start, service.EnvStartTimeout))
	defer cancel()
	app, err := newApp(ctx, rt)
	if err == nil && app.Start != nil {
		err = app.Start(ctx)
	}
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	if err != nil {
		return App{}, fmt.Errorf("starting the application: %w", err)
	}
	return app, nil
}

// serve starts to listen only when the application can answer: a connection
// that this worker accepts on a shared socket cannot go to another worker.
func serve(ctx, hard context.Context, s *server.Server, log *slog.Logger) error {
	l, err := listen.Open(ctx, s.Config.Listen)
	if err != nil {
		return err
	}
	served, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(served)
		if err := s.Serve(l); err != nil {
			failed <- err
		}
	}()
	s.State.Set(server.Ready)
	log.Info(fmt.Sprintf("HTTP listening on %s pid=%d", l.Describe(), os.Getpid()),
		slog.String("release", s.Release), slog.String("address", l.Addr().String()))
	select {
	case <-ctx.Done():
	case err := <-failed:
		return err
	}
	if err := s.Drain(hard, l, served); err != nil {
		return fmt.Errorf("drain ended by force: %w", err)
	}
	log.Info("drained")
	return nil
}
