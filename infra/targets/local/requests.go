package local

import (
	"context"
	"path/filepath"

	"escala/cloudinit/agent/store"
	"escala/infra/operate"
	"escala/infra/operate/ask"
)

var (
	_ operate.Logger     = (*Local)(nil)
	_ operate.Restarter  = (*Local)(nil)
	_ operate.Maintainer = (*Local)(nil)
)

// operatorKey signs requests to machines on this computer. It is not secret: only
// root can write to the store's folder, and root could replace the machine itself.
var operatorKey = ask.KnownKey()

// Logs requests the logs from the machine through its store, which is a folder.
func (l *Local) Logs(ctx context.Context, s *operate.Stack, r operate.LogsRequest, emit func(operate.Line) error) error {
	m, err := l.requestMachine(s)
	if err != nil {
		return err
	}
	return m.Logs(ctx, r, emit)
}

// Restart asks the machine for a rolling restart of its workers, without a new
// release.
func (l *Local) Restart(ctx context.Context, s *operate.Stack, report func(string)) error {
	m, err := l.requestMachine(s)
	if err != nil {
		return err
	}
	return m.Restart(ctx, report)
}

// Maintain writes the maintenance request to the store and waits for the machine.
func (l *Local) Maintain(ctx context.Context, s *operate.Stack, wish operate.Maintenance, report func(string)) error {
	m, err := l.requestMachine(s)
	if err != nil {
		return err
	}
	return m.Maintain(ctx, wish, report)
}

// requestMachine returns the stack's machine, for requests through its store.
func (l *Local) requestMachine(s *operate.Stack) (ask.Machine, error) {
	machines, stores := s.OfType("escala:local:Machine"), s.OfType("escala:local:Store")
	if len(machines) == 0 || len(stores) == 0 {
		return ask.Machine{}, operate.ErrNothing
	}
	folder := store.Folder(filepath.Join(s.State, stores[0].Text("folder")))
	return ask.Machine{ID: machines[len(machines)-1].ID, Key: operatorKey, Requests: folder, Answers: folder}, nil
}
