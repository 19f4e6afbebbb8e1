package serve

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"escala/service"
)

// Signals returns two contexts. drain ends at the first SIGTERM, SIGINT or signal
// in also. hard ends at the second one. stop releases both.
func Signals(ctx context.Context, also ...os.Signal) (drain, hard context.Context, stop func()) {
	// If the supervisor was killed, this process's output has no reader. The
	// resulting SIGPIPE must not end the process during its drain. Tools that
	// rotate logs send the other two signals.
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

// Hangup returns the signals that drain the worker besides SIGTERM and SIGINT. A
// worker without a supervisor drains on SIGHUP, because its terminal has closed.
// A worker under a supervisor ignores SIGHUP: the signal asks the primary for a
// roll, and "pkill -HUP api" reaches the workers as well.
func Hangup(getenv func(string) string) []os.Signal {
	if getenv(service.EnvSupervised) != "" {
		signal.Ignore(syscall.SIGHUP)
	}
	if signal.Ignored(syscall.SIGHUP) { // nohup also does this
		return nil
	}
	return []os.Signal{syscall.SIGHUP}
}

// orphaned is the time after the first SIGTERM in which further ones count as the
// same signal if the parent has ended in between. A killed primary ends thread by
// thread, and the kernel signals its workers each time that their parent changes.
const orphaned = 2 * time.Second

// lostParent reports whether the parent has ended. It waits for a moment,
// because the kernel signals before the last thread of the parent has ended.
func lostParent(parent int) bool {
	for range 20 {
		if os.Getppid() != parent {
			return true
		}
		time.Sleep(5 * time.Millisecond)
	}
	return false
}
