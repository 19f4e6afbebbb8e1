package agent

import (
	"context"
	"fmt"
	"time"
)

// preflightFault is what is wrong with a release.
type preflightFault struct{ reason, output string }

// Pauses between two looks at a process.
const (
	lookEvery    = 100 * time.Millisecond
	lookWhileNew = 20 * time.Millisecond
)

// preflight tries the wanted release on sockets of its own before any worker
// runs it: it must become ready, answer, be what its checksum says, and end when
// it is asked to. A release that fails here has not met one request. An error
// means that it could not be tried.
func (a *Agent) preflight(ctx context.Context) (*preflightFault, error) {
	// The last look before it runs for the first time.
	if err := a.verify(a.wanted); err != nil {
		return nil, fmt.Errorf("trying release %s: %w", a.wanted.Short(), err)
	}
	trial, err := a.Workers.Try(ctx, a.binary(a.wanted.ID))
	if err != nil {
		return nil, fmt.Errorf("trying release %s: %w", a.wanted.Short(), err)
	}
	defer trial.Close()
	reason := a.tryOut(ctx, trial)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("trying release %s: %w", a.wanted.Short(), ctx.Err())
	}
	if reason != "" {
		trial.Close() // it may print until it ends
		return &preflightFault{reason, trial.LastLines()}, nil
	}
	return nil, nil
}

// tryOut returns what is wrong, or "".
func (a *Agent) tryOut(ctx context.Context, t Trial) string {
	c := a.Config
	ended, status := false, 0
	isReady := until(ctx, a.Clock, time.Duration(c.Start), lookWhileNew, func() bool {
		if t.AskAdmin(ctx, c.ReadyPath).Code == 200 {
			return true
		}
		status, ended = t.Ended()
		return ended
	})
	switch {
	case ended:
		return fmt.Sprintf("it exits at start with status %d", status)
	case !isReady:
		return fmt.Sprintf("it is not ready within %.3g s", time.Duration(c.Start).Seconds())
	}
	switch answer := t.Ask(ctx, c.HealthPath); {
	case answer.Code != 200:
		return fmt.Sprintf("%s answers %d, not 200", c.HealthPath, answer.Code)
	case answer.Release != a.wanted.ID:
		return "it answers as " + answer.Release.Describe()
	}
	// What the root path answers is the service's own business, but for an error
	// of the service itself.
	if answer := t.Ask(ctx, "/"); answer.Code == 0 || answer.Code >= 500 {
		return fmt.Sprintf("/ answers %d", answer.Code)
	}
	t.Terminate()
	ends := until(ctx, a.Clock, time.Duration(c.Stop), lookWhileNew, func() bool {
		status, ended = t.Ended()
		return ended
	})
	switch {
	case !ends:
		return fmt.Sprintf("it does not end within %.3g s of SIGTERM", time.Duration(c.Stop).Seconds())
	case status != 0:
		return fmt.Sprintf("it ends with status %d on SIGTERM, not 0", status)
	}
	return ""
}
