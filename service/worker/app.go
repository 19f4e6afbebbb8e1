// Package worker runs one worker. It reads the settings, creates the
// application's dependencies, serves the application, and ends it in the order
// of service.Lifecycle.
package worker

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"escala/service/rooms"
	"escala/service/server"
	"escala/service/session"
)

// App is the application of a service. Only Handler is required.
type App struct {
	// Handler answers every request except health, readiness and metrics.
	Handler http.Handler
	// Start runs before the worker is ready, within START_TIMEOUT. It is for
	// dependencies that must work before the first request. An error ends the
	// worker.
	Start func(context.Context) error
	// Ready is the readiness check. An error means that the worker is
	// temporarily not ready.
	Ready func(context.Context) error
	// LongLived is the set of the application's own WebSockets, beside
	// Runtime.Rooms. A drain closes them.
	LongLived server.LongLived
	// Stop runs after the last request and connection have ended.
	Stop func(context.Context) error
}

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
