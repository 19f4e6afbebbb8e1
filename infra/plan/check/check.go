// Package check judges a plan. Each check has a file of its own. A finding
// states the problem, where it is, and what would be right.
package check

import (
	"context"

	"escala/infra/plan"
)

// subject is the checked stack, with its findings.
type subject struct {
	plan.Stack
	secrets *plan.Secrets
	// find returns the path of a program on this computer.
	find     func(program string) (string, error)
	findings []plan.Finding
	// open are the ports that every address may connect to.
	open map[int]bool
}

func (s *subject) add(level plan.Level, where, what, right string) {
	s.findings = append(s.findings, plan.Finding{Level: level, Where: where, What: what, Right: right})
}

// checks lists the checks. Findings of the same level appear in this order.
var checks = []func(context.Context, *subject){
	size,
	secrecy,
	ports,
	access,
	storage,
	metadata,
	alarms,
	manifests,
	cloudInit,
	nginx,
	https,
	supervisor,
	units,
	scripts,
}

// Stack judges a previewed stack. A program that is not installed on this
// computer leads to a notice.
func Stack(ctx context.Context, stack plan.Stack, secrets *plan.Secrets) []plan.Finding {
	return run(ctx, stack, secrets, installed)
}

func run(ctx context.Context, stack plan.Stack, secrets *plan.Secrets, find func(string) (string, error)) []plan.Finding {
	if stack.Error != "" {
		return nil
	}
	s := &subject{Stack: stack, secrets: secrets, find: find, open: map[int]bool{}}
	for _, check := range checks {
		check(ctx, s)
	}
	plan.SortFindings(s.findings)
	return unique(s.findings)
}
