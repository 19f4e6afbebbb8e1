package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// signals returns two contexts: the first ends at the first SIGTERM or SIGINT,
// the second at the second. stop frees them.
func signals(ctx context.Context) (drain, hard context.Context, stop func()) {
	drain, drainNow := context.WithCancel(ctx)
	hard, hardNow := context.WithCancel(ctx)
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, syscall.SIGTERM, syscall.SIGINT)
	done := make(chan struct{})
	go func() {
		for _, end := range []context.CancelFunc{drainNow, hardNow} {
			select {
			case <-ch:
				end()
			case <-done:
				return
			}
		}
	}()
	return drain, hard, func() {
		signal.Stop(ch)
		close(done)
		drainNow()
		hardNow()
	}
}
