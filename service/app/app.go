// Package app is the service itself: its routes and what is behind them. It is
// the one package to replace with your own; nothing in it knows how a worker
// starts, drains or ends.
package app

import (
	"context"
	"net/http"

	"escala/service/worker"
)

// New makes the application that every worker serves.
func New(_ context.Context, _ worker.Runtime) (worker.App, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", home)
	mux.HandleFunc("POST /echo", echo)
	mux.HandleFunc("GET /slow", slow)
	mux.HandleFunc("POST /slow", slow)
	return worker.App{Handler: mux}, nil
}
