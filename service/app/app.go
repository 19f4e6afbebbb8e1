// Package app is the application of escala's own service: its routes and their
// handlers. It is the only package that your own service replaces. It does not
// depend on how a worker starts, drains or ends.
package app

import (
	"context"
	"net/http"

	"escala/service/worker"
)

// New creates the application that every worker serves.
func New(_ context.Context, rt worker.Runtime) (worker.App, error) {
	counter := counter{redis: rt.Redis, key: rt.Prefix + "counter"}
	sessions := sessions{rt.Sessions}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", home)
	mux.HandleFunc("POST /echo", echo)
	mux.HandleFunc("GET /slow", slow)
	mux.HandleFunc("POST /slow", slow)
	mux.HandleFunc("GET /counter", counter.get)
	mux.HandleFunc("POST /counter", counter.increment)
	mux.HandleFunc("POST /session", sessions.begin)
	mux.HandleFunc("GET /session", sessions.show)
	mux.HandleFunc("POST /session/renew", sessions.renew)
	mux.HandleFunc("DELETE /session", sessions.end)
	if rt.Rooms != nil {
		mux.Handle("GET /ws", rt.Rooms)
	}
	// A page of another site must not change anything with a browser's cookie.
	return worker.App{Handler: http.NewCrossOriginProtection().Handler(mux)}, nil
}
