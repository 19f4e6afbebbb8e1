package cli

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"escala/infra/targets/local/podman"
	"escala/infra/targets/local/provider"
)

//go:embed last-lines.sh
var lastLines string

// logs prints what a person looks at first; -f and all else is `make shell` and
// journalctl.
func logs(ctx context.Context, s *session) error {
	return onMachine(ctx, s, "sh", "-c", lastLines)
}

func shell(ctx context.Context, s *session) error {
	return onMachine(ctx, s, "bash", "--login")
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

// machine is the id of the stack's machine, from the stack's state.
func machine(ctx context.Context, s *session) (string, error) {
	exported, err := s.stack.Export(ctx)
	if err != nil {
		return "", fmt.Errorf("reading the stack's state: %w", err)
	}
	var deployment struct {
		Resources []struct {
			Type   string
			ID     string
			Delete bool
		}
	}
	if err := json.Unmarshal(exported.Deployment, &deployment); err != nil {
		return "", fmt.Errorf("reading the stack's state: %w", err)
	}
	for _, r := range deployment.Resources {
		if r.Type == "escala:local:Machine" && !r.Delete {
			return r.ID, nil
		}
	}
	return "", errors.New("the stack has no machine on this computer; make up makes one, and machines elsewhere have consoles of their own (see the README)")
}
