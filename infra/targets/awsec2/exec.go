package awsec2

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"

	"escala/infra/operate"
)

var _ operate.Executor = (*EC2)(nil)

// Exec runs a command on the machine through Session Manager, which needs no open
// port. The AWS CLI and its plugin implement the protocol.
func (t *EC2) Exec(ctx context.Context, s *operate.Stack, r operate.ExecRequest) error {
	machines := s.OfType("aws:ec2/instance:Instance")
	if len(machines) == 0 {
		return operate.ErrNothing
	}
	profile, _, err := s.Config(ctx, "aws:profile")
	if err != nil {
		return fmt.Errorf("reading the stack's AWS profile: %w", err)
	}
	args, err := startSession(t.settings.Region, profile, machines[len(machines)-1].ID, r.Command)
	if err != nil {
		return err
	}
	for _, program := range []string{"aws", "session-manager-plugin"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not on this computer: install AWS' command line and its Session Manager plugin. Where they are, this is: %s",
				program, operate.ShellWords(append([]string{"aws"}, args...)))
		}
	}
	return operate.Run(ctx, r, "aws", args...)
}

// startSession returns the arguments of the AWS CLI. A command runs by the document
// AWS-StartInteractiveCommand, whose parameter is read by a shell.
func startSession(region, profile, instance string, command []string) ([]string, error) {
	args := []string{"ssm", "start-session", "--region", region, "--target", instance}
	if profile != "" {
		args = append(args, "--profile", profile)
	}
	if len(command) == 0 {
		return args, nil
	}
	parameters, err := json.Marshal(map[string][]string{"command": {operate.ShellWords(command)}})
	if err != nil {
		return nil, fmt.Errorf("writing the session's command: %w", err)
	}
	return append(args, "--document-name", "AWS-StartInteractiveCommand", "--parameters", string(parameters)), nil
}
