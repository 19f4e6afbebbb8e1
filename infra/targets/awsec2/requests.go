package awsec2

import (
	"context"

	"escala/infra/operate"
	"escala/infra/operate/ask"
)

var (
	_ operate.Logger     = (*EC2)(nil)
	_ operate.Restarter  = (*EC2)(nil)
	_ operate.Maintainer = (*EC2)(nil)
)

// Logs requests the logs from the machine through its bucket. Session Manager would
// need a plugin on the operator's computer.
func (t *EC2) Logs(ctx context.Context, s *operate.Stack, r operate.LogsRequest, emit func(operate.Line) error) error {
	m, err := t.requestMachine(ctx, s)
	if err != nil {
		return err
	}
	return m.Logs(ctx, r, emit)
}

// Restart asks the machine for a rolling restart of its workers, without a new
// release.
func (t *EC2) Restart(ctx context.Context, s *operate.Stack, report func(string)) error {
	m, err := t.requestMachine(ctx, s)
	if err != nil {
		return err
	}
	return m.Restart(ctx, report)
}

// Maintain writes the maintenance request to the bucket and waits for the machine.
func (t *EC2) Maintain(ctx context.Context, s *operate.Stack, wish operate.Maintenance, report func(string)) error {
	m, err := t.requestMachine(ctx, s)
	if err != nil {
		return err
	}
	return m.Maintain(ctx, wish, report)
}

// requestMachine returns the stack's machine, for requests with the operator's credentials.
func (t *EC2) requestMachine(ctx context.Context, s *operate.Stack) (ask.Machine, error) {
	m, err := t.machines(ctx, s)
	if err != nil {
		return ask.Machine{}, err
	}
	return ask.LastMachine(m, m.Objects)
}
