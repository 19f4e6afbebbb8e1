package dodroplet

import (
	"context"

	"escala/cloudinit"
	"escala/infra/operate"
)

var _ operate.Runner = (*Droplet)(nil)

// Run runs the command of a process or a schedule on the machine.
func (t *Droplet) Run(ctx context.Context, s *operate.Stack, r operate.RunRequest) error {
	if len(t.settings.SSHKeys) == 0 || len(t.settings.SSHFrom) == 0 {
		return &operate.UnsupportedError{
			Target: t.Name(), Command: "run",
			Instead: "a Droplet has no port for a login unless digitalocean.sshKeys and digitalocean.sshFrom are set, which makes a new machine; in the Droplet's console, type: " +
				operate.ShellWords([]string{cloudinit.AgentPath, "task", r.Name}),
		}
	}
	return operate.RunOnMachine(ctx, t, s, cloudinit.AgentPath, r)
}
