package serve

import (
	"context"
	"net/http"

	"escala/service/server"
)

// App is the application of a service. Only Handler is required.
type App struct {
	// Handler answers every request except health, readiness and metrics.
	Handler http.Handler
	// Start runs before the worker is ready, within START_TIMEOUT. It is for
	// dependencies that must work before the first request. An error ends the
	// worker.
	Start func(context.Context) error
	// Ready is the readiness check. An error makes the worker temporarily not
	// ready.
	Ready func(context.Context) error
	// LongLived is the set of the application's own WebSockets. A drain closes
	// them.
	LongLived server.LongLived
	// Trouble reports the current and the last resolved failure of a dependency;
	// "" for none. The worker's status shows it.
	Trouble func() (now, before string)
	// Stop runs after the last request and connection have ended.
	Stop func(context.Context) error
}
