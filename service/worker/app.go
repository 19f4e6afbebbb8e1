// Package worker runs one worker: it reads the settings, gives the application
// what it may use, serves it, and ends it in the order of service.Lifecycle.
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
	// Start runs before the worker is ready; an error ends the worker. It is
	// for what must work before the first request, within START_TIMEOUT.
	Start func(context.Context) error
	// Ready is asked by the readiness endpoint; an error means "not now".
	Ready func(context.Context) error
	// LongLived are the application's own WebSockets, if it has others than
	// Runtime.Rooms; a drain closes them.
	LongLived server.LongLived
	// Stop runs when nothing is open any more.
	Stop func(context.Context) error
}

// Runtime is what the application may use.
type Runtime struct {
	// Getenv reads the application's own settings.
	Getenv func(string) string
	Log    *slog.Logger
	// Metrics is where the application registers its own.
	Metrics prometheus.Registerer
	// Redis is nil without REDIS_URL. It connects by itself, again and again;
	// while it is down its calls fail within a second or two. Prefix goes
	// before the keys.
	Redis  *redis.Client
	Prefix string
	// Rooms is nil unless ROOMS=true. The worker runs and closes it; the
	// application gives it a route.
	Rooms *rooms.Hub
	// Sessions is nil without SESSION_KEYS.
	Sessions *session.Sessions
}

// New makes an application. Errors of type service.Violations are bad
// configuration: the process exits with status 2.
type New func(context.Context, Runtime) (App, error)
