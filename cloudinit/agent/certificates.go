package agent

import (
	"context"

	"escala/service/machine"
)

// Certificates keeps the machine's certificates, beside the rounds: a certificate
// never holds up a release.
type Certificates interface {
	// Run works until ctx ends.
	Run(ctx context.Context)
	// Status returns the certificates' status.
	Status() *machine.Certificate
}
