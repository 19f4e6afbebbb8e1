package awsec2

import (
	"context"

	"escala/cloudinit"
	"escala/infra/operate"
)

var _ operate.Runner = (*EC2)(nil)

// Run runs the command of a process or a schedule on the machine.
func (t *EC2) Run(ctx context.Context, s *operate.Stack, r operate.RunRequest) error {
	return operate.RunOnMachine(ctx, t, s, cloudinit.AgentPath, r)
}
