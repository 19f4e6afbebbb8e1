package agent

import (
	"context"
	"fmt"
	"time"

	"escala/service"
)

// preflightFault is the reason why a release failed its preflight, with the
// release's output.
type preflightFault struct{ reason, output string }

// Pauses between two checks of a process.
const (
	pollInterval    = 100 * time.Millisecond
	newPollInterval = 20 * time.Millisecond
)

// endedByTerm is the status of a process that SIGTERM ended, in a shell's form.
const endedByTerm = 128 + 15

// preflight tries the wanted release on sockets of its own before any worker
// runs it. The release must become ready, answer, match its checksum, and end
// on request. A release that fails here has served no request. An error means
// that the release could not be tried.
func (a *Agent) preflight(ctx context.Context) (*preflightFault, error) {
	// This is the last check before the release runs for the first time.
	program, err := a.verify(a.wanted.Release)
	if err != nil {
		return nil, fmt.Errorf("trying release %s: %w", a.wanted.Short(), err)
	}
	process, err := a.Workers.Try(ctx, program)
	if err != nil {
		return nil, fmt.Errorf("trying release %s: %w", a.wanted.Short(), err)
	}
	defer process.Close()
	reason := a.tryOut(ctx, process)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("trying release %s: %w", a.wanted.Short(), ctx.Err())
	}
	if reason != "" {
		process.Close() // before its output is read, because it may print until it ends
		return &preflightFault{reason, process.LastLines()}, nil
	}
	return nil, nil
}

// tryOut returns the reason why the release failed, or "".
func (a *Agent) tryOut(ctx context.Context, t Preflight) string {
	c := a.Config
	ended, status := false, 0
	var last Answer
	isReady := until(ctx, a.Clock, time.Duration(c.Start), newPollInterval, func() bool {
		if last = t.AskAdmin(ctx, c.ReadyPath); last.Code == 200 {
			return true
		}
		status, ended = t.Ended()
		return ended
	})
	switch {
	case ended:
		return fmt.Sprintf("it exits at start with status %d", status)
	case !isReady:
		return fmt.Sprintf("it is not ready within %.3g s: %s", time.Duration(c.Start).Seconds(), c.notReady(last))
	}
	switch answer := t.Ask(ctx, c.HealthPath); {
	case answer.Code != 200:
		return fmt.Sprintf("%s answers %d, not 200", c.HealthPath, answer.Code)
	case answer.Release != a.wanted.ID:
		return "it answers as " + answer.Release.Describe()
	}
	// The service decides how it answers the root path, but an error of the
	// server is a failure.
	if answer := t.Ask(ctx, "/"); c.Runtime != service.RuntimeNone && (answer.Code == 0 || answer.Code >= 500) {
		return fmt.Sprintf("/ answers %d", answer.Code)
	}
	t.Terminate()
	ends := until(ctx, a.Clock, time.Duration(c.Stop), newPollInterval, func() bool {
		status, ended = t.Ended()
		return ended
	})
	switch {
	case !ends:
		return fmt.Sprintf("it does not end within %.3g s of SIGTERM (lifecycle.stop): a program has to end on it, and a shell that starts one has to exec it", time.Duration(c.Stop).Seconds())
	case c.Runtime == service.RuntimeNone && status == endedByTerm:
		// SIGTERM may end a program that does not handle it.
	case status != 0:
		return fmt.Sprintf("it ends with status %d on SIGTERM, not 0", status)
	}
	return ""
}

// notReady describes the last answer of a process that does not become ready.
func (c Config) notReady(last Answer) string {
	switch {
	case last.Code != 0:
		return fmt.Sprintf("GET %s answers %d, not 200", c.ReadyPath, last.Code)
	case c.Runtime == service.RuntimeNone:
		return fmt.Sprintf("GET %s has no answer at $HOST:$PORT, where the program has to listen", c.ReadyPath)
	}
	return fmt.Sprintf("GET %s has no answer on its admin socket; a program without escala's runtime needs service.runtime: none", c.ReadyPath)
}
