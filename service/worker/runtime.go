package worker

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"escala/service"
	"escala/service/config"
	"escala/service/metrics"
	"escala/service/outage"
	"escala/service/redisclient"
	"escala/service/rooms"
	"escala/service/session"
)

// newRuntime creates the application's Runtime. It waits for no other machine:
// a worker starts and serves without Redis.
func newRuntime(c config.Worker, getenv func(string) string, m *metrics.HTTP, log *slog.Logger) (Runtime, error) {
	rt := Runtime{Getenv: getenv, Log: log, Metrics: m.Registry, Prefix: c.Shared.Prefix}
	if c.Shared.RedisURL != "" {
		o, err := redisclient.Parse(c.Shared.RedisURL)
		if err != nil {
			return Runtime{}, service.Violations{{Path: service.EnvRedis, Problem: err.Error()}}
		}
		rt.Redis = redisclient.Open(o, log)
	}
	if len(c.Shared.Keys) > 0 {
		rt.Sessions = session.New(c.Shared.Keys, c.Shared.SessionTTL)
	}
	if limits := c.Shared.Rooms; limits != nil {
		o := rooms.Options{
			PingInterval: limits.PingInterval, MaxMessageBytes: limits.MaxMessageBytes,
			Rate: limits.Rate, Burst: limits.Burst,
			Queue: limits.Queue, QueueBytes: limits.QueueBytes, QueuesBytes: limits.QueuesBytes,
			Slow: rooms.CloseSlow, MaxClients: limits.MaxClients, Origins: limits.Origins,
			Prefix: c.Shared.Prefix, Redis: rt.Redis, Metrics: m.Registry, Log: log,
		}
		if limits.DropSlow {
			o.Slow = rooms.DropSlow
		}
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
		rt.Rooms = rooms.New(o)
	}
	return rt, nil
}

// reporter reports the current failure of a dependency and the last resolved
// one.
type reporter interface{ Report() (now, before string) }

// reports is a Report function as a reporter.
type reports func() (now, before string)

// Report calls f.
func (f reports) Report() (now, before string) { return f() }

// trouble combines the reports of several reporters.
func trouble(all []reporter) func() (now, before string) {
	return func() (string, string) {
		var now, before []string
		for _, one := range all {
			n, b := one.Report()
			if n != "" {
				now = append(now, n)
			}
			if b != "" {
				before = append(before, b)
			}
		}
		return strings.Join(now, "; "), strings.Join(before, "; ")
	}
}

// run runs the rooms, or watches Redis and records outages in redisOutage. The
// returned function ends this and closes Redis.
func (rt Runtime) run(redisOutage *outage.Outage) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		var err error
		switch {
		case rt.Rooms != nil:
			err = rt.Rooms.Run(ctx)
		case rt.Redis != nil:
			redisclient.Watch(ctx, rt.Redis, redisOutage, rt.Log)
		}
		done <- err
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
