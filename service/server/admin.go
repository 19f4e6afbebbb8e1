package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"escala/service"
	"escala/service/listen"
	"escala/service/status"
)

const (
	metricsPath = service.MetricsPath
	// StatusPath is the path at which the admin socket answers with
	// status.Worker.
	StatusPath = "/status"
)

// Admin answers requests about this one worker on its own Unix socket, from
// before the worker is ready until the process ends. stop closes the socket.
func (s *Server) Admin(ctx context.Context, path string) (stop func() error, err error) {
	l, err := listen.Open(ctx, listen.Address{Network: listen.Unix, Path: path})
	if err != nil {
		return nil, fmt.Errorf("opening the admin socket: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+s.Config.HealthPath, s.health)
	mux.HandleFunc("GET "+s.Config.ReadyPath, s.ready)
	if s.Metrics != nil {
		mux.Handle("GET "+metricsPath, s.Metrics)
	}
	mux.HandleFunc("GET "+StatusPath, s.status)
	return s.serveInternal(l, mux), nil
}

// MetricsOnly answers only MetricsPath, at an address of its own, until the
// process ends. stop closes the listener.
func (s *Server) MetricsOnly(ctx context.Context, at listen.Address) (stop func() error, err error) {
	l, err := listen.Open(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("opening the port for metrics (%s): %w", service.EnvMetricsPort, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+metricsPath, s.Metrics)
	return s.serveInternal(l, mux), nil
}

// serveInternal serves requests that are not from the service's clients.
func (s *Server) serveInternal(l net.Listener, h http.Handler) (stop func() error) {
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			header := w.Header()
			header["X-Release"] = s.headers.release
			header["X-Worker"] = s.headers.worker
			h.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	return func() error {
		err := server.Close()
		if ended := <-done; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
		return err
	}
}

// Status returns the status of this worker.
func (s *Server) Status() status.Worker {
	memory, err := status.Memory(os.Getpid())
	if err != nil {
		s.Log.Warn("status", slog.Any("error", err))
	}
	w := status.Worker{
		Worker:        s.Config.Number,
		PID:           os.Getpid(),
		State:         s.State.String(),
		Ready:         s.State.Is(Ready),
		Draining:      s.State.Is(Draining),
		Release:       s.Release,
		UptimeSeconds: time.Since(s.started).Seconds(),
		Requests:      s.Requests(),
		InFlight:      s.InFlight(),
		Connections:   s.conns.len(),
		WebSockets:    s.WebSockets(),
		MemoryBytes:   memory,
	}
	if !s.State.Is(Starting) && s.Trouble != nil {
		w.Trouble, w.Incident = s.Trouble()
	}
	return w
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(s.Status()); err != nil {
		s.Log.DebugContext(r.Context(), "answering status", slog.Any("error", err))
	}
}
