package dodroplet

import (
	"context"
	"os/exec"

	"escala/infra/operate"
)

var _ operate.Executor = (*Droplet)(nil)

// Exec runs a command on the machine by SSH. The stack's settings must have keys
// and addresses that may log in.
func (t *Droplet) Exec(ctx context.Context, s *operate.Stack, r operate.ExecRequest) error {
	if len(t.settings.SSHKeys) == 0 || len(t.settings.SSHFrom) == 0 {
		return &operate.NoWayError{
			Target: t.Name(), Word: "exec",
			Instead: "a Droplet has no port for a login unless digitalocean.sshKeys and digitalocean.sshFrom are set, which makes a new machine; make logs and make status need none",
		}
	}
	machines := s.Of("digitalocean:index/droplet:Droplet")
	if len(machines) == 0 {
		return operate.ErrNothing
	}
	args := sshArguments(machines[len(machines)-1].Text("ipv4Address"), r)
	if _, err := exec.LookPath("ssh"); err != nil {
		return &operate.NoWayError{Target: t.Name(), Word: "exec", Instead: "ssh is not on this computer; where it is, this is: " + operate.ShellWords(append([]string{"ssh"}, args...))}
	}
	return operate.Run(ctx, r, "ssh", args...)
}

// sshArguments returns ssh's arguments. The remote shell reads the command.
func sshArguments(address string, r operate.ExecRequest) []string {
	var args []string
	if r.Terminal {
		args = append(args, "-t")
	}
	args = append(args, "root@"+address)
	if len(r.Command) > 0 {
		args = append(args, "--", operate.ShellWords(r.Command))
	}
	return args
}
