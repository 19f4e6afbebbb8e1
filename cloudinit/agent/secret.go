package agent

import "context"

// Secrets are the service's secret values. No other account may read them.
type Secrets interface {
	// Read fetches all secrets, or none, to the place where workers read them.
	Read(ctx context.Context) error
	// There reports whether workers can read secrets, of any age.
	There() bool
}
