package local

import (
	"context"

	"escala/infra/operate"
	"escala/infra/targets/local/podman"
	"escala/infra/targets/local/provider"
)

var _ operate.Executor = (*Local)(nil)

// Exec runs a command in the machine, as root.
func (l *Local) Exec(ctx context.Context, s *operate.Stack, r operate.ExecRequest) error {
	m, err := l.requestMachine(s)
	if err != nil {
		return err
	}
	command := r.Command
	if len(command) == 0 {
		command = []string{"bash", "--login"}
	}
	pod := podman.Podman{Folder: provider.PodmanFolder(s.State)}
	return operate.Exit(pod.Attach(ctx, m.ID, r.In, r.Out, r.Err, command...), "podman")
}
