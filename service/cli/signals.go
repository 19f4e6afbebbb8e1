package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// signals returns two contexts: the first ends at the first SIGTERM or SIGINT, or
// one of also, the second at the second. stop frees them.
func signals(ctx context.Context, also ...os.Signal) (drain, hard context.Context, stop func()) {
	// A supervisor that was killed no longer reads what this process writes. That
	// must not end it in the middle of its drain. The other two are what tools
	// that rotate logs send.
	signal.Ignore(syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGUSR2)
	parent := os.Getppid()
	drain, drainNow := context.WithCancel(ctx)
	hard, hardNow := context.WithCancel(ctx)
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, append(also, syscall.SIGTERM, syscall.SIGINT)...)
	done := make(chan struct{})
	go func() {
		var first time.Time
		for {
			select {
			case <-ch:
			case <-done:
				return
			}
			switch {
			case first.IsZero():
				first = time.Now()
				drainNow()
			case time.Since(first) < orphaned && lostParent(parent):
			default:
				hardNow()
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

// orphaned is for how long after the first SIGTERM others count as the same one
// if this process's parent has ended meanwhile: a primary that was killed ends
// thread by thread, and the kernel signals its workers each time that they get
// another parent.
const orphaned = 2 * time.Second

// lostParent reports whether the parent has ended. One that is ending has a moment
// to be gone: the kernel signals before the last of its threads is.
func lostParent(parent int) bool {
	for range 20 {
		if os.Getppid() != parent {
			return true
		}
		time.Sleep(5 * time.Millisecond)
	}
	return false
}
