package agent

import (
	"context"
	"fmt"
	"time"

	"escala/service"
)

// A bake watches a release once it serves on all workers. The machine switches back
// to the release before if more of the new release's answers fail than the limit
// allows and than those of the release before, or if its workers end in a loop. It
// then does the same as for a release whose workers do not become ready.
//
//   - Only a release that follows a serving release has a bake. A machine's first
//     release has none, because there is no release to switch back to.
//   - The bake's time passes only while the agent can count. After the agent was
//     killed, or the machine was off, the bake continues with the time that was
//     left.
//   - Another wanted release ends the bake.
//   - A release that was taken back is not tried again until another update asks for
//     it.

const (
	// bakeFile holds the current bake.
	bakeFile = stateFolder + "/bake.json"
	// servedFile holds the last release that served on all workers.
	servedFile = stateFolder + "/served.json"
)

// bake is the content of bakeFile.
type bake struct {
	To          service.ReleaseID `json:"to"`
	From        service.ReleaseID `json:"from"`
	RequestedAt int64             `json:"asked,omitempty"`
	Bake        service.Bake      `json:"bake"`
	// Before is the tally of From, for a time of the same length before the roll.
	Before tally `json:"before"`
	// Seen is the tally of To, up to Counts. Left is the remaining time.
	Seen    tally    `json:"seen"`
	Counts  Counts   `json:"counts"`
	Counted bool     `json:"counted"`
	Left    Duration `json:"left"`
}

// plannedBake returns the bake that follows a roll, or nil.
func (a *Agent) plannedBake(ctx context.Context, r roll) *bake {
	if a.Traffic == nil || !a.wanted.Bake.On() || !r.From.Valid() || r.From == r.To || r.From != a.watched.served {
		return nil
	}
	return &bake{
		To: r.To, From: r.From, RequestedAt: r.RequestedAt, Bake: a.wanted.Bake, Left: Duration(a.wanted.Bake.Time),
		Before: a.before(ctx, r.From, a.wanted.Bake.Time),
	}
}

// recordServed records that a release serves on all workers. Only such a release can
// be switched back to: on a machine without another release, a refused one is
// current too.
func (a *Agent) recordServed(release service.ReleaseID) {
	w := &a.watched
	if a.Traffic == nil || !w.loaded || w.served == release && w.servedWritten {
		return
	}
	w.served = release // also if the disk is full
	err := a.remember(servedFile, release)
	w.servedWritten = err == nil
	if err != nil {
		a.Log.Debug("recording the release that serves", "error", err)
	}
}

// beginBake records the bake of a roll whose release serves on all workers.
func (a *Agent) beginBake(r roll) error {
	if r.Bake == nil || a.Traffic == nil {
		return nil
	}
	if err := a.remember(bakeFile, *r.Bake); err != nil {
		return err
	}
	a.watched.bake, a.watched.loaded = *r.Bake, true
	a.watched.counted, a.watched.written = false, a.Clock.Elapsed()
	a.Log.Info("the release is watched", "release", r.To.Short(), "for", r.Bake.Bake.Time)
	return nil
}

// recallBake reads the bake after the agent's start.
func (a *Agent) recallBake() error {
	w := &a.watched
	if w.loaded || a.Traffic == nil {
		return nil
	}
	b, err := recall[bake](a.Disk, bakeFile)
	if err != nil {
		return err
	}
	if w.served, err = recall[service.ReleaseID](a.Disk, servedFile); err != nil {
		return err
	}
	w.bake, w.loaded, w.servedWritten = b, true, true
	w.counts, w.counted, w.written = b.Counts, b.Counted, a.Clock.Elapsed()
	w.at = a.Clock.Elapsed()
	if b.To != "" {
		a.Log.Info("the release is watched again", "release", b.To.Short(), "left", time.Duration(b.Left))
	}
	return nil
}

// watch counts the answers of the release that serves, and ends its bake.
func (a *Agent) watch(ctx context.Context) {
	if a.Traffic == nil {
		return
	}
	rolling, err := recall[roll](a.Disk, rollFile)
	if err != nil || rolling.To != "" || !a.watched.loaded {
		return
	}
	w, current := &a.watched, a.current()
	if a.unwritten && a.refusal.ByBake {
		// The disk was full. It may have space by now.
		a.unwritten = a.remember(refusalFile, a.refusal) != nil
	}
	if a.bakeFailed(current) {
		return // the next round continues the switch back
	}
	if w.bake.To == "" {
		if err := a.sample(ctx, current); err != nil {
			a.Log.Debug("watching the release", "error", err)
		}
		return
	}
	known := a.wanted.ID != ""
	if w.bake.To != current || known && (a.wanted.ID != current || !a.wanted.Bake.On()) {
		a.Log.Info("the release is not watched further", "release", w.bake.To.Short(), "current", current.Short(), "wanted", a.wanted.Short())
		a.endBake()
		return
	}
	if err := a.continueBake(ctx); err != nil {
		a.Log.Debug("watching the release", "error", err)
		return
	}
	reason, figures := w.bake.verdict()
	switch {
	case reason != "":
		a.failBake(ctx, reason, figures)
	case w.bake.Left <= 0:
		a.Log.Info("the release has passed its bake", "release", current.Short(), "figures", figures)
		a.endBake()
	}
}

// continueBake adds to the bake what has happened since the last count.
func (a *Agent) continueBake(ctx context.Context) error {
	w := &a.watched
	began, counted := w.at, w.counted
	t, err := a.count(ctx, w.bake.To)
	if err != nil {
		return err
	}
	if counted {
		w.bake.Seen = w.bake.Seen.plus(t)
		w.bake.Left -= Duration(w.at - began)
	}
	w.bake.Counts, w.bake.Counted = w.counts, true
	if counted && w.at-w.written < sampleEvery {
		return nil
	}
	w.written = w.at
	if err := a.remember(bakeFile, w.bake); err != nil {
		// The bake continues in memory.
		a.Log.Warn("recording the bake failed", "error", err)
	}
	return nil
}

// baking returns the reason why the current release is not done although it serves,
// or "" if there is none.
func (a *Agent) baking(current service.ReleaseID) string {
	b := a.watched.bake
	if b.To == "" || b.To != current {
		return ""
	}
	text := fmt.Sprintf("release %s serves, and is watched for %s more", b.To.Short(), b.left())
	if a.watched.problem != "" {
		text += ": " + a.watched.problem
	}
	return text
}

// left returns the remaining time, rounded to few values, because an update shows
// each of them.
func (b bake) left() time.Duration {
	left, step := max(0, time.Duration(b.Left)), 30*time.Second
	if left <= step {
		step = 10 * time.Second
	}
	if over := left % step; over > 0 {
		left += step - over
	}
	return left
}

// endBake forgets the bake.
func (a *Agent) endBake() {
	if err := a.forget(bakeFile); err != nil {
		a.failing(stateFolder, err)
		return
	}
	w := &a.watched
	// The next release is compared with these counts.
	w.release, w.samples = w.bake.To, []sample{{w.at, w.bake.Seen}}
	w.bake = bake{}
}

// failBake refuses the watched release, and switches back.
func (a *Agent) failBake(ctx context.Context, reason, figures string) {
	b := a.watched.bake
	asked := b.RequestedAt
	if a.wanted.ID == b.To {
		asked = a.wanted.RequestedAt
	}
	a.refuse(refusal{
		Release: b.To, RequestedAt: asked, AsWorker: true, ByBake: true,
		Reason: fmt.Sprintf("release %s is taken back: %s", b.To.Short(), reason),
		Output: figures + "\n" + a.Workers.LastLines(0),
	})
	a.switchBack(ctx)
}

// bakeFailed reports whether the release that serves has failed its bake.
func (a *Agent) bakeFailed(current service.ReleaseID) bool {
	return a.watched.bake.To == current && a.refusal.ByBake && a.refusal.Release == current
}

// switchBack switches back to the release before the watched one. The bake ends only
// once another release is current, so an agent that is killed earlier continues.
func (a *Agent) switchBack(ctx context.Context) {
	b := a.watched.bake
	a.recordServed(b.From) // the bake began because this release had served
	rolling := roll{To: b.To, From: b.From, RequestedAt: b.RequestedAt, Failed: true}
	if err := a.remember(rollFile, rolling); err != nil {
		a.Log.Error("recording the end of the bake failed", "error", err)
	}
	// The release before does not serve yet, so an update that waits for the outcome
	// keeps waiting.
	a.watched.back = true
	a.goBack(ctx, rolling)
	a.watched.back = false
}
