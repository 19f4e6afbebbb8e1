package worker

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"escala/service/config"
	"escala/service/metrics"
	"escala/service/redisclient"
	"escala/service/rooms"
	"escala/service/session"
)

// newRuntime makes what the application builds upon. Nothing here waits for
// another machine: a worker starts, and serves, without Redis.
func newRuntime(c config.Worker, getenv func(string) string, m *metrics.HTTP, log *slog.Logger) Runtime {
	rt := Runtime{Getenv: getenv, Log: log, Metrics: m.Registry, Prefix: c.Shared.Prefix}
	if c.Shared.Redis != nil {
		rt.Redis = redisclient.Open(c.Shared.Redis, log)
	}
	if len(c.Shared.Keys) > 0 {
		rt.Sessions = session.New(c.Shared.Keys, c.Shared.SessionTTL)
	}
	if o := c.Shared.Rooms; o != nil {
		o.Redis, o.Metrics, o.Log = rt.Redis, m.Registry, log
		o.Identify = func(r *http.Request) string {
			if rt.Sessions == nil {
				return ""
			}
			s, err := rt.Sessions.Of(r)
			if err != nil {
				return ""
			}
			return s.Subject
		}
		rt.Rooms = rooms.New(*o)
	}
	return rt
}

// run keeps the rooms going until the returned function is called, which also
// closes Redis.
func (rt Runtime) run() (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		if rt.Rooms == nil {
			done <- nil
			return
		}
		done <- rt.Rooms.Run(ctx)
	}()
	return func() error {
		cancel()
		err := <-done
		if rt.Redis != nil {
			err = errors.Join(err, rt.Redis.Close())
		}
		return err
	}
}
