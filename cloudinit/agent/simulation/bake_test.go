package simulation

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"escala/cloudinit/agent"
	"escala/service"
	"escala/service/machine"
)

// TestWatchedReleases checks the lives that a bake is for, each with an agent that
// is killed in one step after the other.
func TestWatchedReleases(t *testing.T) {
	for name, script := range map[string][]event{
		"one that fails is taken back, once":       {{time.Second, point, 0}, {40 * time.Second, point, 6}},
		"one that fails as much as the one before": {{time.Second, point, 6}, {40 * time.Second, point, 6}},
		"one whose workers end":                    {{time.Second, point, 0}, {40 * time.Second, point, 12}},
		"one that fails less than the limit":       {{time.Second, point, 0}, {40 * time.Second, point, 30}},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(3) {
				for step := range 80 {
					life := append(slices.Clone(script), event{42 * time.Second, killAgent, 2 + 4*step})
					if problem(t, newBakeWorld, seed, life) != "" {
						report(t, newBakeWorld, seed, life)
						return
					}
				}
			}
		})
	}
}

// TestBakeLives checks the same lives with watched releases.
func TestBakeLives(t *testing.T) { lives(t, newBakeWorld, 4) }

// traffic simulates the clients' requests and the proxy's counts.
type traffic struct {
	w    *world
	rate float64 // requests in a second
	bake service.Bake

	since       int
	last        time.Duration
	all, failed map[service.ReleaseID]float64
	ended       int64 // processes that ended by themselves, or hung

	switched switched
	previous switched
	looked   service.Wanted // what the agent was told last
	began    time.Duration  // the beginning of the agent's life
	diskAt   time.Duration  // when the disk refused writes last
	refused  map[int64]bool
	seen     map[service.ReleaseID]bool // to serve, in the status
	asked    int64
}

// switched is the last change of the current release.
type switched struct {
	to, from service.ReleaseID
	at       time.Duration
	// fromAt is the time of the change before.
	fromAt time.Duration
	// wanted is what the agent was told, and pointers the number of pointers then.
	// stale reports that the store has returned earlier ones since.
	wanted   service.Wanted
	pointers int
	stale    bool
	ended    int64
	began    time.Duration
}

func newBakeWorld(seed uint64, script []event) *world {
	w := newWorld(seed, script)
	w.config.Counted = true
	w.traffic = &traffic{
		w: w, rate: 100, bake: service.Bake{Time: time.Duration(10+seed%11) * time.Second, Errors: "1%"},
		all: map[service.ReleaseID]float64{}, failed: map[service.ReleaseID]float64{}, refused: map[int64]bool{}, seen: map[service.ReleaseID]bool{},
	}
	return w
}

// behaves gives a good release its faults under load.
func (t *traffic) behaves(b *binary, n int) {
	if b.kind != good {
		return
	}
	switch n / 2 % 8 {
	case 2, 3, 4:
		b.failing = 0.05
	case 5:
		b.failing = 0.3
	case 6:
		b.falls = true
	case 7:
		b.failing = 0.002
	}
}

// wants adds the bake to what an update asks for. Every fourth update goes back.
func (t *traffic) wants(wanted service.Wanted) service.Wanted {
	t.asked++
	wanted.RequestedAt = t.asked
	if t.asked%4 != 0 {
		wanted.Bake = t.bake
	}
	return wanted
}

// moves sends requests to the processes that serve.
func (t *traffic) moves() {
	passed := t.w.elapsed - t.last
	t.last = t.w.elapsed
	if d := t.w.disk; d.full || d.noInodes || d.readOnly {
		t.diskAt = t.w.elapsed
	}
	var serving []*process
	for _, p := range t.w.processes {
		if p.slot >= 0 && t.w.serves(p) {
			serving = append(serving, p)
		}
	}
	for _, p := range serving {
		n := t.rate * passed.Seconds() / float64(len(serving))
		t.all[p.binary.ID] += n
		t.failed[p.binary.ID] += n * p.binary.failing
		if p.binary.falls && t.w.elapsed > p.started+p.warmUp+2*time.Second {
			t.w.exit(p, 139)
			t.w.lastFault = t.w.elapsed
		}
	}
}

// restarts simulates a start of the proxy, which forgets its counts.
func (t *traffic) restarts() {
	t.since++
	clear(t.all)
	clear(t.failed)
}

// changes notes a change of the current release.
func (t *traffic) changes(to service.ReleaseID) {
	w := t.w
	if to == t.switched.to {
		return
	}
	// With a full disk, a refusal is forgotten when the agent ends.
	if p := w.store.pointers; t.diskAt < t.previous.at && len(p) > 0 && w.store.mode != storeStale && p[len(p)-1].ID == to && t.refused[p[len(p)-1].wanted.RequestedAt] {
		w.violation("release %s, which has failed its bake, is tried again", to.Short())
	}
	t.previous = t.switched
	t.switched = switched{
		to: to, from: t.switched.to, at: w.elapsed, fromAt: t.switched.at,
		wanted: t.looked, pointers: len(w.store.pointers), stale: w.store.mode == storeStale, ended: t.ended, began: t.began,
	}
}

// watched reports whether the agent must watch the current release: the last update
// asked for it, and it came after another one.
func (t *traffic) watched(s machine.Status) bool {
	w, c := t.w, t.switched
	if len(w.store.pointers) == 0 || c.pointers != len(w.store.pointers) || c.stale || !t.seen[c.from] || c.to != s.Current {
		return false
	}
	if t.diskAt > c.fromAt {
		return false // it may have forgotten that the release before served
	}
	wanted := w.store.current().wanted
	from := w.binaries[c.from]
	return wanted == c.wanted && wanted.ID == c.to && wanted.Bake.On() && from != nil && !from.bad()
}

// known reports whether the agent has watched the release before for long enough.
func (t *traffic) known(c switched) bool {
	return c.at-max(c.fromAt, c.began) > 25*time.Second && t.w.lastFault < c.at-25*time.Second
}

// check runs when the agent publishes.
func (t *traffic) check(s machine.Status) {
	w, c := t.w, t.switched
	to, from := w.binaries[c.to], w.binaries[c.from]
	if s.Phase == machine.Serving || s.Phase == machine.Baking {
		defer func() { t.seen[s.Current] = true }()
	}
	if s.Phase == machine.Baking && s.Current != s.Wanted {
		w.violation("the status says that release %s is watched, and another one is wanted", s.Current.Short())
	}
	if s.Phase == machine.Serving && t.watched(s) && w.elapsed-c.at < t.bake.Time {
		w.violation("the status says that all is well, and release %s is to be watched for %s", s.Current.Short(), t.bake.Time)
	}
	if s.Phase == machine.Serving && t.watched(s) && t.known(c) && w.lastFault < c.at && to.failing >= 0.05 && from.failing < to.failing {
		w.violation("release %s fails %g of its requests, and is not taken back", c.to.Short(), to.failing)
	}
	if s.Phase == machine.Refused && strings.Contains(s.Reason, "is taken back") && !t.refused[s.RequestedAt] {
		t.refused[s.RequestedAt] = true
		t.checkTakenBack(s)
	}
}

// checkTakenBack runs when the agent has taken a release back.
func (t *traffic) checkTakenBack(s machine.Status) {
	w, c := t.w, t.switched
	if s.Current != s.Wanted {
		c = t.previous // the switch to it
	}
	if c.to != s.Wanted {
		return
	}
	to, from := w.binaries[c.to], w.binaries[c.from]
	if strings.Contains(s.Reason, "by themselves") {
		if n := t.ended - c.ended; n < 3 {
			w.violation("release %s is taken back for %d ends of a process: %s", s.Wanted.Short(), n, s.Reason)
		}
		return
	}
	switch {
	case from == nil:
		w.violation("release %s is taken back, and there is none before: %s", c.to.Short(), s.Reason)
	case to.failing < 0.01:
		w.violation("release %s fails %g of its requests, and is taken back: %s", c.to.Short(), to.failing, s.Reason)
	case t.known(c) && to.failing <= from.failing:
		w.violation("release %s fails no more than the one before, and is taken back: %s", c.to.Short(), s.Reason)
	}
}

// takenBack reports whether the wanted release has failed its bake.
func (t *traffic) takenBack() bool {
	return t != nil && t.w.status.Phase == machine.Refused && strings.Contains(t.w.status.Reason, "is taken back")
}

// lifeTraffic gives one life of the agent the counts of the proxy and the
// supervisor.
type lifeTraffic struct {
	*life
	ended int64
}

var _ agent.Traffic = lifeTraffic{}

func (x lifeTraffic) Count(context.Context) (agent.Counts, error) {
	x.call()
	t := x.w.traffic
	c := agent.Counts{Since: strconv.Itoa(t.since), Answers: map[service.ReleaseID]agent.Answers{}, Ended: t.ended - x.ended}
	for id, n := range t.all {
		c.Answers[id] = agent.Answers{All: int64(n), Failed: int64(t.failed[id])}
	}
	return c, nil
}
