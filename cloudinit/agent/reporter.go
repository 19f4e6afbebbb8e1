package agent

import (
	"context"

	"escala/service/machine"
)

// Reporter reports to the operator, beside the rounds: what it does never holds up
// a release.
type Reporter interface {
	// Run works until ctx ends.
	Run(ctx context.Context)
	// Observe takes a status: each round gives one, and each step of a roll. It does
	// not wait.
	Observe(s machine.Status)
}
