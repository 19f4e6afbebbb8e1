// Package worker runs one worker with the whole runtime: package serve, and the
// metrics, traces, Redis, rooms and sessions that the environment configures.
package worker

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"escala/service/rooms"
	"escala/service/serve"
	"escala/service/session"
)

// App is the application of a service. Only Handler is required.
type App = serve.App

// Runtime holds the application's dependencies.
type Runtime struct {
	// Getenv reads the application's own settings.
	Getenv func(string) string
	Log    *slog.Logger
	// Metrics is the registry for the application's own metrics.
	Metrics prometheus.Registerer
	// Redis is nil without REDIS_URL. It reconnects automatically. During an
	// outage its calls fail within a second or two. Prefix is the prefix of all
	// keys.
	Redis  *redis.Client
	Prefix string
	// Rooms is nil unless ROOMS=true. The worker runs and closes it. The
	// application sets its route.
	Rooms *rooms.Hub
	// Sessions is nil without SESSION_KEYS.
	Sessions *session.Sessions
}

// New creates an application. An error of type service.Violations means bad
// configuration, and the process exits with status 2.
type New func(context.Context, Runtime) (App, error)
