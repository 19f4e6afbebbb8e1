// Package serve is the core of escala's runtime. It serves a handler as one
// worker, and ends without losing a request. It imports only the standard
// library. Package worker adds metrics, Redis, rooms, sessions and traces.
package serve

import (
	"context"
	"net/http"
	"os"

	"escala/service/server"
)

// Main serves h until SIGTERM or SIGINT, drains, prints an error to standard
// error, and returns the exit status. A second signal ends the drain at once. A
// whole program is:
//
//	func main() { os.Exit(serve.Main(handler)) }
func Main(h http.Handler) int {
	drain, hard, stop := Signals(context.Background(), Hangup(os.Getenv)...)
	defer stop()
	return ExitStatus(os.Stderr, serve(drain, hard, App{Handler: h}))
}

// Serve answers requests with h until ctx ends. Then it drains, and returns nil
// once each request has its answer. The settings come from the environment, such
// as LISTEN, HOST and PORT (config.ReadWorker reads all of them). Log lines go to
// standard output. The error is service.Violations for bad settings, and
// *server.OpenError for a drain that reached its limit.
func Serve(ctx context.Context, h http.Handler) error {
	return App{Handler: h}.Serve(ctx)
}

// Serve is like the function Serve, for an application with more than a handler.
func (a App) Serve(ctx context.Context) error {
	return serve(ctx, context.WithoutCancel(ctx), a)
}

func serve(ctx, hard context.Context, app App) error {
	return Run(ctx, os.Getenv, os.Stdout, func(p *Process) error {
		s := server.New(server.Options{Config: p.Config, Release: p.Release, Log: p.Log})
		return p.Serve(ctx, hard, s, func(context.Context) (App, error) { return app, nil })
	})
}
