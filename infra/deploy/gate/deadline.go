package gate

import (
	"context"
	"time"
)

// Passed reports whether ctx has ended or its deadline has passed. A connection
// knows the deadline too, and on a busy computer it times out before ctx ends.
func Passed(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}
