package local

import (
	"context"

	"escala/cloudinit"
	"escala/infra/operate"
)

var _ operate.Runner = (*Local)(nil)

// Run runs the command of a process or a schedule on the machine.
func (l *Local) Run(ctx context.Context, s *operate.Stack, r operate.RunRequest) error {
	return operate.RunOnMachine(ctx, l, s, cloudinit.AgentPath, r)
}
