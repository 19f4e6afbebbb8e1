package cli

import (
	"context"
	"errors"
	"os"

	"escala/infra/operate"
	"escala/infra/targets/local/podman"
	"escala/infra/targets/local/provider"
)

func shell(ctx context.Context, s *session) error {
	err := operate.Exit(onMachine(ctx, s, "bash", "--login"), "podman")
	if ended := new(operate.ExitError); errors.As(err, &ended) {
		return &statusError{ended.Status}
	}
	return err
}

// onMachine runs a command on the stack's local machine, on this terminal.
func onMachine(ctx context.Context, s *session, command ...string) error {
	id, err := machine(ctx, s)
	if err != nil {
		return err
	}
	pod := podman.Podman{Folder: provider.PodmanFolder(s.state)}
	return pod.Attach(ctx, id, os.Stdin, os.Stdout, os.Stderr, command...)
}

// machine returns the id of the stack's machine, from the stack's state.
func machine(ctx context.Context, s *session) (string, error) {
	resources, err := s.Resources(ctx)
	if err != nil {
		return "", err
	}
	for _, r := range resources {
		if r.Type == "escala:local:Machine" && !r.Replaced {
			return r.ID, nil
		}
	}
	return "", errors.New("the stack has no machine on this computer; make up creates it (a cloud's machine is reached through the cloud's console: see the README)")
}
