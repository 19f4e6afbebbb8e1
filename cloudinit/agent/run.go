package agent

import (
	"context"
	"sync"
	"time"

	"escala/service/machine"
)

// Requests answers an operator's requests, beside the rounds.
type Requests interface {
	// Run works until ctx ends.
	Run(ctx context.Context)
}

// Metrics answers scrapers for all workers, beside the rounds.
type Metrics interface {
	// Run works until ctx ends.
	Run(ctx context.Context)
}

// Run follows the pointer until ctx ends. A value in wake means that the
// supervisor is starting: the next round begins early, and the agent polls
// until the supervisor answers.
func (a *Agent) Run(ctx context.Context, wake <-chan struct{}) {
	var background sync.WaitGroup
	defer background.Wait()
	if a.Certificates != nil {
		background.Go(func() { a.Certificates.Run(ctx) })
	}
	if a.Reporter != nil {
		background.Go(func() { a.Reporter.Run(ctx) })
	}
	if a.Requests != nil {
		background.Go(func() { a.Requests.Run(ctx) })
	}
	if a.Metrics != nil {
		background.Go(func() { a.Metrics.Run(ctx) })
	}
	soon := 0
	for ctx.Err() == nil {
		failing := a.Round(ctx).Phase == machine.Failing
		pause := time.Duration(a.Config.Poll)
		if soon > 0 && failing {
			soon--
			pause = min(pause, pollInterval)
		}
		if a.commandRuns {
			pause = min(pause, commandPollInterval)
		}
		if a.pause(ctx, pause, wake) {
			soon = 50
		}
	}
}

// pause waits for d and reports whether a value in wake ended the wait.
func (a *Agent) pause(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	asleep, cancel := context.WithCancel(ctx)
	defer cancel()
	woken := make(chan bool, 1)
	go func() {
		select {
		case <-wake:
			woken <- true
			cancel()
		case <-asleep.Done():
			woken <- false
		}
	}()
	_ = a.Clock.Sleep(asleep, d)
	cancel()
	return <-woken
}
