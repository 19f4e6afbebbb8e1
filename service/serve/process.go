package serve

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
	"escala/service/server"
)

// LastLines is the time limit for the last log lines of a process.
const LastLines = time.Second

// Process is a worker's process: its settings, its log and its release.
type Process struct {
	Config config.Worker
	Log    *slog.Logger
	// Release is the SHA-256 of the running program, 64 hexadecimal digits.
	Release string
	// DroppedLines returns the number of log lines that were dropped because the
	// log was not read fast enough.
	DroppedLines func() uint64
}

// Run reads the settings, and sets up the log and the memory limit. Then it calls
// do, and logs its error. The error is service.Violations for bad settings.
func Run(ctx context.Context, getenv func(string) string, out io.Writer, do func(*Process) error) error {
	lines := logs.NewWriter(out)
	defer lines.Flush(LastLines)
	err := run(ctx, getenv, lines, do)
	if err != nil {
		slog.Error("worker failed", slog.Any("error", err))
	}
	return err
}

type hashed struct {
	release string
	err     error
}

func run(ctx context.Context, getenv func(string) string, lines *logs.Writer, do func(*Process) error) error {
	releaseID := make(chan hashed, 1)
	go func() { // in parallel, because it takes as long as the rest of the start
		id, err := RunningRelease()
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
	return do(&Process{Config: c, Log: log, Release: id.release, DroppedLines: lines.Dropped})
}

// Serve creates the application and serves it by s until ctx ends. Then it
// drains. If hard ends too, it stops at once.
func (p *Process) Serve(ctx, hard context.Context, s *server.Server, newApp func(context.Context) (App, error)) error {
	if p.Config.AdminSocket != "" {
		stop, err := s.Admin(ctx, p.Config.AdminSocket)
		if err != nil {
			return err
		}
		defer p.Report("closing the admin socket", stop)
	}
	if port := p.Config.MetricsPort; port != 0 && s.Metrics != nil {
		stop, err := s.MetricsOnly(ctx, listen.Address{Network: listen.TCP, Port: port})
		if err != nil {
			return err
		}
		defer p.Report("closing the port for metrics", stop)
	}
	if path := p.Config.Maintenance; path != "" {
		defer s.FollowMaintenance(path)()
	}
	app, err := p.start(ctx, newApp)
	if ctx.Err() != nil {
		p.Log.Info("told to end before it was ready", slog.Any("error", err))
		return nil
	}
	if err != nil {
		return err
	}
	s.Handler, s.Ready, s.LongLived, s.Trouble = app.Handler, app.Ready, app.LongLived, app.Trouble
	err = p.listen(ctx, hard, s)
	if app.Stop != nil {
		err = errors.Join(err, app.Stop(hard))
	}
	return err
}

// Report runs the shutdown of something that is no longer needed, and logs its
// error. An error does not affect clients and does not change the exit status.
func (p *Process) Report(doing string, stop func() error) {
	if err := stop(); err != nil {
		p.Log.Warn(doing, slog.Any("error", err))
	}
}

// start creates the application and runs its start hook within START_TIMEOUT.
func (p *Process) start(ctx context.Context, newApp func(context.Context) (App, error)) (App, error) {
	limit := p.Config.Lifecycle.Start
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not ready within %s (%s)", limit, service.EnvStartTimeout))
	defer cancel()
	app, err := newApp(ctx)
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

// listen opens the socket, serves until ctx ends, and drains. It must run after
// the application's start: a connection that this worker accepts on a shared
// socket cannot go to another worker.
func (p *Process) listen(ctx, hard context.Context, s *server.Server) error {
	l, err := listen.Open(ctx, p.Config.Listen)
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
	p.Log.Info(fmt.Sprintf("HTTP listening on %s pid=%d", l.Describe(), os.Getpid()),
		slog.String("release", s.Release), slog.String("address", l.Addr().String()))
	select {
	case <-ctx.Done():
	case err := <-failed:
		return err
	}
	if err := s.Drain(hard, l, served); err != nil {
		return fmt.Errorf("drain ended by force: %w", err)
	}
	p.Log.Info("drained")
	return nil
}
