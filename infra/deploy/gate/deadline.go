package gate

import (
	"context"
	"time"
)

// Ended returns why ctx has ended, or nil. A connection knows the deadline too,
// and on a busy computer it times out before the context's timer fires.
func Ended(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && ctx.Err() == nil && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}
