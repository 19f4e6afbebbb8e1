package agent

import "context"

// Secrets are the values that the service gets and nobody else may read.
type Secrets interface {
	// Read reads them anew, all or none, to where workers find them.
	Read(ctx context.Context) error
	// There reports whether workers find some, of whatever age.
	There() bool
}
