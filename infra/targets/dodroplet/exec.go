package dodroplet

import (
	"context"
	"errors"
	"fmt"
	"os/exec"

	"escala/infra/operate"
)

var _ operate.Executor = (*Droplet)(nil)

// Exec runs a command on the machine by SSH. The stack's settings must have keys
// and addresses that may log in.
func (t *Droplet) Exec(ctx context.Context, s *operate.Stack, r operate.ExecRequest) error {
	if len(t.settings.SSHKeys) == 0 || len(t.settings.SSHFrom) == 0 {
		return &operate.UnsupportedError{
			Target: t.Name(), Command: "exec",
			Instead: "a Droplet has no port for a login unless digitalocean.sshKeys and digitalocean.sshFrom are set, which makes a new machine; make logs and make status need none",
		}
	}
	machines := s.OfType("digitalocean:index/droplet:Droplet")
	if len(machines) == 0 {
		return operate.ErrNothing
	}
	droplet := machines[len(machines)-1]
	address := droplet.Text("ipv4Address")
	if _, err := exec.LookPath("ssh"); err != nil {
		return &operate.UnsupportedError{
			Target: t.Name(), Command: "exec",
			Instead: "ssh is not on this computer; where it is, this is: " + operate.ShellWords(append([]string{"ssh"}, sshArguments(address, nil, r)...)),
		}
	}
	m, err := t.machines(ctx, s)
	if err != nil {
		return err
	}
	return login(ctx, m, droplet.ID, address, r)
}

// login runs ssh to a machine.
func login(ctx context.Context, m operate.Machines, id, address string, r operate.ExecRequest) error {
	options, remove, err := knownHost(ctx, m, id, r.Err)
	if err != nil {
		return err
	}
	defer remove()
	err = operate.Run(ctx, r, "ssh", sshArguments(address, options, r)...)
	if ended := new(operate.ExitError); errors.As(err, &ended) && ended.Status == sshFailed {
		fmt.Fprintf(r.Err, "ssh ended with status %d: no connection or login (digitalocean.sshFrom has the addresses that may connect, digitalocean.sshKeys the keys that may log in), or a signal ended the command\n", sshFailed)
	}
	return err
}

// sshFailed is the status of ssh when it could not connect or log in (ssh(1), "EXIT
// STATUS"), and also when a signal ended the command.
const sshFailed = 255

// sshOptions go before what the operator's own configuration of ssh says.
var sshOptions = []string{
	// A Droplet with keys has no passwords. Without this, ssh would ask for one
	// when a key is refused.
	"PreferredAuthentications=publickey",
	// The machine must not get the use of the operator's keys, or screen.
	"ForwardAgent=no",
	"ForwardX11=no",
	// An earlier connection may lead to the machine that had this address before.
	"ControlPath=none",
	"ConnectTimeout=10",
	// A connection whose machine is gone ends after a minute.
	"ServerAliveInterval=15",
	"ServerAliveCountMax=4",
}

// sshArguments returns ssh's arguments. The remote shell reads the command.
func sshArguments(address string, options []string, r operate.ExecRequest) []string {
	var args []string
	for _, option := range options {
		args = append(args, "-o", option)
	}
	if r.Terminal {
		args = append(args, "-t")
	}
	args = append(args, "root@"+address)
	if len(r.Command) > 0 {
		args = append(args, "--", operate.ShellWords(r.Command))
	}
	return args
}
