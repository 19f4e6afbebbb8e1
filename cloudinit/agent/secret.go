package agent

import "context"

// Secrets are the service's secret values. No other account may read them.
type Secrets interface {
	// Read fetches all secrets, or none, to the place where workers read them.
	Read(ctx context.Context) error
	// Loaded reports whether workers can read secrets, of any age.
	Loaded() bool
}
