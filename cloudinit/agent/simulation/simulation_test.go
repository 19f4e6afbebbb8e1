package simulation

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	count    = flag.Uint64("lives", defaultLives, "how many lives to run, the same ones in every run")
	after    = flag.Uint64("lives-after", 0, "the seed before the first of -lives")
	duration = flag.Duration("lives-for", 0, "run other lives in every run, for this long")
	seedFlag = flag.Uint64("seed", 0, "run the life of this seed alone, and tell it")
	script   = flag.String("script", "", "with -seed: its events")
)

// TestLives checks random lives. By default it uses the seeds from 1 on, so that
// only a change of the agent can make it fail. With -lives-for it uses new seeds. It
// reports a failed life with its seed and the fewest events that reproduce it.
func TestLives(t *testing.T) { lives(t, newWorld, 1) }

// TestTaskLives checks the same lives with processes and a schedule.
func TestTaskLives(t *testing.T) { lives(t, newTaskWorld, 1) }

// maker makes the world of a life.
type maker func(seed uint64, script []event) *world

func newTaskWorld(seed uint64, script []event) *world {
	w := newWorld(seed, script)
	w.addTasks(seed)
	return w
}

// lives runs the lives of a test: all of -lives, or a part.
func lives(t *testing.T, world maker, part uint64) {
	t.Helper()
	if *seedFlag != 0 {
		events := newScript(*seedFlag)
		if *script != "" {
			var err error
			if events, err = parseScript(*script); err != nil {
				t.Fatal(err)
			}
		}
		report(t, world, *seedFlag, events)
		return
	}
	began := time.Now()
	base := *after
	more := func(life uint64) bool { return life <= *count/part }
	switch {
	case *duration > 0:
		base = rand.Uint64() >> 16
		more = func(uint64) bool { return time.Since(began) < *duration }
	case testing.Short():
		more = func(life uint64) bool { return life <= min(*count, 1_000)/part }
	}
	var last, failed atomic.Uint64
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for failed.Load() == 0 {
				life := last.Add(1)
				if !more(life) {
					return
				}
				if problem(t, world, base+life, newScript(base+life)) != "" {
					failed.Store(base + life)
				}
			}
		})
	}
	group.Wait()
	t.Logf("%d lives in %s", last.Load(), time.Since(began).Round(time.Second))
	if seed := failed.Load(); seed != 0 {
		report(t, world, seed, shrink(t, world, seed, newScript(seed)))
	}
}

// TestKeptLives checks lives that failed once, named by their failure.
func TestKeptLives(t *testing.T) {
	for name, life := range map[string]struct {
		seed   uint64
		script string
	}{
		"a worker that drains is told to end again when its supervisor dies": {
			117498787297517, "380ms:0:0 8.15s:3:0 12.83s:0:830 38.57s:4:913",
		},
		"a worker whose supervisor died before it could be told is killed": {
			20038991876980, "2.4s:0:0 5.82s:1:67 21.43s:0:471 43.39s:0:707 43.6s:7:1 48.19s:7:0 70.84s:0:974 80.85s:4:1362",
		},
		"a worker that the supervisor has just started is ended": {
			107690913523510, "2.87s:0:93 20.61s:0:821 24.67s:4:1295 36.1s:4:784 58.93s:0:929 62.44s:1:246 67.82s:0:385 80.99s:0:494 84.98s:9:0 85.65s:5:3173",
		},
		"releases pile up where none ever served": {
			132323392418290, "1.64s:0:847 2.41s:1:92 3.85s:0:173 30.72s:0:237 62.98s:0:747 88.88s:0:393",
		},
		"a worker that was hung and answers again is ended": {
			207608956492440, "1.647s:0:8 11.070245025s:0:819 15.328315134s:0:746 18.766441988s:0:714 28.181513174s:5:4532 39.340915283s:0:509 58.184958105s:14:78352",
		},
		"a new process inherits the time of the one before that was unhealthy": {
			7787, "1.332273453s:0:612 3.958079396s:1:201 5.341587668s:0:765 26.739945907s:0:214 26.754945907s:0:838 40.084672056s:1:235 43.153202478s:1:61 56.565910166s:8:0 1m1.660354021s:1:11 1m10.890489298s:7:3 1m12.52370311s:11:0 1m20.787525205s:3:93 1m23.334012992s:14:47543 1m26.625157979s:7:0",
		},
		"the first release's switch is cut off": {1, "1s:0:0 2s:1:40 2.5s:1:60"},
	} {
		t.Run(name, func(t *testing.T) {
			script, err := parseScript(life.script)
			if err != nil {
				t.Fatal(err)
			}
			if p := problem(t, newWorld, life.seed, script); p != "" {
				t.Error(p)
			}
		})
	}
}

// TestALifeFollowsFromItsSeed checks that each run of a life is the same: a failure
// could not be reproduced otherwise. The order of a map is another one in each run.
func TestALifeFollowsFromItsSeed(t *testing.T) {
	type life struct {
		name  string
		world maker
		seed  uint64
		runs  int
	}
	// In these, two processes are started again at the same moment.
	lives := []life{{"tasks", newTaskWorld, 772, 12}, {"tasks", newTaskWorld, 861, 12}, {"tasks", newTaskWorld, 2129, 12}}
	for seed := range uint64(30) {
		lives = append(lives, life{"workers", newWorld, seed, 2}, life{"tasks", newTaskWorld, seed, 2}, life{"bakes", newBakeWorld, seed, 2})
	}
	for _, l := range lives {
		first := trace(t, l.world, l.seed)
		for range l.runs - 1 {
			other := trace(t, l.world, l.seed)
			for i := range min(len(first), len(other)) {
				require.Equal(t, first[i], other[i], "%s, seed %d, line %d", l.name, l.seed, i)
			}
			require.Len(t, other, len(first), "%s, seed %d", l.name, l.seed)
		}
	}
}

// trace returns what happened in a life.
func trace(t *testing.T, world maker, seed uint64) (lines []string) {
	synctest.Test(t, func(*testing.T) {
		w := world(seed, newScript(seed))
		w.verbose = true
		w.run()
		lines = w.trace
	})
	return lines
}

// problem returns the failure of a life, or "".
func problem(t *testing.T, world maker, seed uint64, script []event) (wrong string) {
	synctest.Test(t, func(*testing.T) { wrong = world(seed, slices.Clone(script)).run() })
	return wrong
}

// shrink removes every event without which the life still fails.
func shrink(t *testing.T, world maker, seed uint64, script []event) []event {
	for again := true; again; {
		again = false
		for i := range script {
			less := slices.Delete(slices.Clone(script), i, i+1)
			if len(less) > 0 && problem(t, world, seed, less) != "" {
				script, again = less, true
				break
			}
		}
	}
	return script
}

// report reports a failed life.
func report(t *testing.T, make maker, seed uint64, events []event) {
	t.Helper()
	var w *world
	synctest.Test(t, func(*testing.T) {
		w = make(seed, slices.Clone(events))
		w.verbose = true
		w.run()
	})
	if w.problem != "" {
		t.Errorf("seed %d: %s", seed, w.problem)
	}
	t.Logf("go test ./cloudinit/agent/simulation -run %s -seed %d -script %q\n%s workers=%d memory=%d\n%s",
		t.Name(), seed, strings.Trim(fmt.Sprint(events), "[]"), w.config.Mode, w.config.Workers, w.memory, strings.Join(w.trace[max(0, len(w.trace)-200):], "\n"))
}
