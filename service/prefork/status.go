package prefork

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"escala/service/listen"
	"escala/service/status"
)

// serveStatus serves the primary's status socket until stop is called.
func (p *primary) serveStatus(ctx context.Context, path string) (stop func() error, err error) {
	l, err := listen.Open(ctx, listen.Address{Network: listen.Unix, Path: path})
	if err != nil {
		return nil, fmt.Errorf("opening the status socket (%s chooses its directory): %w", status.EnvRunDir, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(p.status(r.Context())); err != nil {
			p.log.Debug("answering status", slog.Any("error", err))
		}
	})
	s := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 30 * time.Second, MaxHeaderBytes: 16 << 10,
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	return func() error {
		err := s.Close()
		if ended := <-done; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
		return err
	}, nil
}

// askLimit is the time limit for a worker's status.
const askLimit = time.Second

// status collects the status of all workers.
func (p *primary) status(ctx context.Context) status.Report {
	c := status.Report{PID: os.Getpid()}
	p.mu.Lock()
	c.Roll, c.Incident = p.last, p.incident
	p.mu.Unlock()
	for _, s := range p.slots {
		s.mu.Lock()
		restarts := s.restarts
		s.mu.Unlock()
		all := s.processes()
		if len(all) == 0 {
			c.Workers = append(c.Workers, status.Worker{Worker: s.number, State: "backoff", Restarts: &restarts})
		}
		for _, proc := range all {
			one := ask(ctx, proc)
			one.Restarts = &restarts
			c.Workers = append(c.Workers, one)
		}
	}
	return c
}

func ask(ctx context.Context, proc *process) status.Worker {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	var w status.Worker
	if err := status.Read(ctx, proc.socket, &w); err == nil {
		return w
	}
	w = status.Worker{Worker: proc.slot, PID: proc.pid(), State: status.NotAnswering}
	if proc.readyAt.Load() == 0 {
		w.State = "starting"
	}
	return w
}
