package dodoks

import (
	"context"

	"escala/infra/operate"
	"escala/infra/operate/pods"
)

var (
	_ operate.Logger    = (*DOKS)(nil)
	_ operate.Restarter = (*DOKS)(nil)
	_ operate.Executor  = (*DOKS)(nil)
	_ operate.Runner    = (*DOKS)(nil)

	_ operate.Maintainer = (*DOKS)(nil)
)

// Logs reads the pods' logs from the cluster's API.
func (*DOKS) Logs(ctx context.Context, s *operate.Stack, r operate.LogsRequest, emit func(operate.Line) error) error {
	c, err := pods.Open(s, "")
	if err != nil {
		return err
	}
	return c.Logs(ctx, r, emit)
}

// Restart evicts the pods one after another.
func (*DOKS) Restart(ctx context.Context, s *operate.Stack, report func(string)) error {
	c, err := pods.Open(s, "")
	if err != nil {
		return err
	}
	return c.Restart(ctx, report)
}

// Exec runs a command in a pod's container.
func (*DOKS) Exec(ctx context.Context, s *operate.Stack, r operate.ExecRequest) error {
	c, err := pods.Open(s, "")
	if err != nil {
		return err
	}
	return c.Exec(ctx, r)
}

// Run runs the command of a process or a schedule in a Job.
func (*DOKS) Run(ctx context.Context, s *operate.Stack, r operate.RunRequest) error {
	c, err := pods.Open(s, "")
	if err != nil {
		return err
	}
	return c.Run(ctx, r)
}

// Maintain makes the pods answer with a maintenance page, or ends the maintenance.
func (*DOKS) Maintain(ctx context.Context, s *operate.Stack, m operate.Maintenance, report func(string)) error {
	c, err := pods.Open(s, "")
	if err != nil {
		return err
	}
	return c.Maintain(ctx, m, report)
}
