package agent

import (
	"context"

	"escala/service/machine"
)

// Reporter reports to the operator, beside the rounds. It never delays a release.
type Reporter interface {
	// Run works until ctx ends.
	Run(ctx context.Context)
	// Observe takes a status. Each round gives one, and each step of a roll. It does
	// not wait.
	Observe(s machine.Status)
}
