// Package check judges a plan: each check is a file of its own and says what is
// the case, where, and what would be right.
package check

import (
	"context"
	"os/exec"

	"escala/infra/plan"
)

// subject is what is checked, and where the findings go.
type subject struct {
	plan.Stack
	secrets *plan.Secrets
	// find looks for a program on this computer.
	find     func(program string) (string, error)
	findings []plan.Finding
}

func (s *subject) add(level plan.Level, where, what, right string) {
	s.findings = append(s.findings, plan.Finding{Level: level, Where: where, What: what, Right: right})
}

// checks in the order in which their findings are shown, within a level.
var checks = []func(context.Context, *subject){
	size,
	secrecy,
	ports,
	access,
	storage,
	metadata,
	manifests,
	cloudInit,
	nginx,
	supervisor,
	units,
	scripts,
}

// Stack judges a stack that was previewed. Programs that are not on this
// computer are named in a notice.
func Stack(ctx context.Context, stack plan.Stack, secrets *plan.Secrets) []plan.Finding {
	return run(ctx, stack, secrets, exec.LookPath)
}

func run(ctx context.Context, stack plan.Stack, secrets *plan.Secrets, find func(string) (string, error)) []plan.Finding {
	if stack.Error != "" {
		return nil
	}
	s := &subject{Stack: stack, secrets: secrets, find: find}
	for _, check := range checks {
		check(ctx, s)
	}
	plan.SortFindings(s.findings)
	return unique(s.findings)
}
