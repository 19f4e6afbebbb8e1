package agent

import (
	"context"
	"fmt"
	"time"

	"escala/service"
)

// Traffic counts the proxy's answers, and the workers that end by themselves.
type Traffic interface {
	Count(ctx context.Context) (Counts, error)
}

// Counts are sums that never decrease.
type Counts struct {
	// Since identifies the proxy's start, at which Answers and Unanswered begin.
	Since string `json:"since"`
	// Answers are the answers of workers by their release.
	Answers map[service.ReleaseID]Answers `json:"answers"`
	// Unanswered counts the requests that the proxy answered with status 500 or above
	// because no worker did.
	Unanswered int64 `json:"unanswered"`
	// Ended counts the workers' processes that ended by themselves since the agent's
	// start.
	Ended int64 `json:"-"`
}

// Answers counts answers.
type Answers struct {
	All int64 `json:"all"`
	// Failed are those with status 500 or above.
	Failed int64 `json:"failed"`
}

// tally counts what happened to one release in a period. Requests that no worker
// answered are among its answers.
type tally struct {
	Answers
	// Restarts counts the processes that ended by themselves, and the workers that
	// were started again because they did not answer.
	Restarts int64 `json:"restarts"`
}

// judged returns the tally in the form that service.Bake judges.
func (t tally) judged() service.Tally {
	return service.Tally{All: t.All, Failed: t.Failed, Restarts: t.Restarts}
}

func (t tally) plus(o tally) tally {
	return tally{Answers{t.All + o.All, t.Failed + o.Failed}, t.Restarts + o.Restarts}
}

// since returns the answers of a release between two counts.
func (c Counts) since(before Counts, release service.ReleaseID) Answers {
	if c.Since != before.Since {
		before = Counts{}
	}
	then, now := before.Answers[release], c.Answers[release]
	unanswered := c.Unanswered - before.Unanswered
	return Answers{now.All - then.All + unanswered, now.Failed - then.Failed + unanswered}
}

// sample is the tally of a release in one period.
type sample struct {
	// at is the end of the period, by Clock.Elapsed.
	at time.Duration
	tally
}

// sampleEvery is the pause between two samples at rest, and between two writes of a
// bake's record.
const sampleEvery = 10 * time.Second

// watched is the agent's memory of its releases' answers.
type watched struct {
	// bake is the current bake, or the zero bake. loaded means that it was read from
	// the disk.
	bake   bake
	loaded bool
	// served is the last release that served on all workers. servedWritten means that
	// it is on the disk.
	served        service.ReleaseID
	servedWritten bool
	// at is the time of the last count, by Clock.Elapsed, and counts its result.
	at      time.Duration
	counts  Counts
	counted bool
	// written is the time, by Clock.Elapsed, of the last write of the bake.
	written time.Duration
	// release is the release of the samples, the oldest of which comes first.
	release service.ReleaseID
	samples []sample
	// hung counts the workers that the agent has started again since its start,
	// because they did not answer. restarts holds the last number of restarts: of
	// the workers, of hung workers, and of each process. It is nil before the first
	// count.
	hung     int64
	restarts map[string]int64
	// back means that the machine goes back from a release that failed its bake.
	back bool
	// problem is why the last count failed.
	problem string
}

// count asks for the counts, and returns what happened to the release since the last
// call. The first count of a release has nothing to be compared with.
func (a *Agent) count(ctx context.Context, release service.ReleaseID) (tally, error) {
	w := &a.watched
	now, err := a.Traffic.Count(ctx)
	if err != nil {
		w.problem = fmt.Sprintf("its answers cannot be counted: %s", err)
		return tally{}, fmt.Errorf("counting answers: %w", err)
	}
	now.Answers = map[service.ReleaseID]Answers{release: now.Answers[release]}
	t := tally{Restarts: a.restartsSince(ctx, now.Ended)}
	if w.counted {
		t.Answers = now.since(w.counts, release)
	} else {
		t.Restarts = 0
	}
	w.at, w.counts, w.counted, w.problem = a.Clock.Elapsed(), now, true, ""
	return t, nil
}

// restartsSince returns how many processes have ended by themselves since the last
// call. It is 0 for the first call.
func (a *Agent) restartsSince(ctx context.Context, ended int64) int64 {
	now := map[string]int64{"workers": ended, "hung": a.watched.hung}
	if a.Processes != nil {
		states, err := a.Processes.States(ctx)
		if err != nil {
			return 0 // the next call counts them
		}
		for i, s := range states {
			now[i.String()] = int64(s.Restarts)
		}
	}
	var n int64
	for what, count := range now {
		// A process that the agent has replaced begins at 0.
		if before := a.watched.restarts[what]; a.watched.restarts != nil && count > before {
			n += count - before
		}
	}
	a.watched.restarts = now
	return n
}

// sample records what the serving release counts at rest.
func (a *Agent) sample(ctx context.Context, release service.ReleaseID) error {
	w := &a.watched
	if w.release != release {
		w.release, w.samples, w.counted = release, nil, false
	}
	if w.counted && a.Clock.Elapsed()-w.at < sampleEvery {
		return nil
	}
	t, err := a.count(ctx, release)
	if err != nil {
		return err
	}
	w.samples = append(w.samples, sample{w.at, t})
	for len(w.samples) > 0 && w.at-w.samples[0].at > service.MaxBake+sampleEvery {
		w.samples = w.samples[1:]
	}
	return nil
}

// before returns what the serving release counted in the last window.
func (a *Agent) before(ctx context.Context, release service.ReleaseID, window time.Duration) tally {
	w := &a.watched
	if w.bake.To == release {
		return w.bake.Seen // another release ends its bake
	}
	if w.release != release {
		return tally{}
	}
	// What happened since the last sample counts too.
	if t, err := a.count(ctx, release); err == nil {
		w.samples = append(w.samples, sample{w.at, t})
	}
	var sum tally
	for _, s := range w.samples {
		if w.at-s.at < window {
			sum = sum.plus(s.tally)
		}
	}
	return sum
}
