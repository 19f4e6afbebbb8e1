package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// signals returns a context that the first SIGINT or SIGTERM cancels, and a channel
// that the second one closes. The third one ends the process. engine is true once an
// operation of Pulumi's engine may run, which takes a while to end.
func signals(parent context.Context, engine *atomic.Bool) (ctx context.Context, kill <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	killed := make(chan struct{})
	received := make(chan os.Signal, 1)
	signal.Notify(received, os.Interrupt, syscall.SIGTERM)
	go func() {
		for n := 1; ; n++ {
			select {
			case <-parent.Done():
				return
			case <-received:
			}
			switch n {
			case 1:
				if engine.Load() {
					fmt.Fprintln(os.Stderr, "\ninterrupted: finishing the running operations; interrupt again to end at once")
				}
				cancel()
			case 2:
				if engine.Load() {
					fmt.Fprintln(os.Stderr, "\nending at once")
				}
				close(killed)
				signal.Stop(received)
			}
		}
	}()
	return ctx, killed, func() {
		signal.Stop(received)
		cancel()
	}
}
