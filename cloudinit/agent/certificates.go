package agent

import (
	"context"

	"escala/service/machine"
)

// Certificates maintains the machine's certificates, beside the rounds: a
// certificate never delays a release.
type Certificates interface {
	// Run works until ctx ends.
	Run(ctx context.Context)
	// Status returns the certificates' status.
	Status() *machine.Certificate
}
