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
)

var (
	duration = flag.Duration("lives-for", 20*time.Second, "how long to run random lives")
	seedFlag = flag.Uint64("seed", 0, "run the life of this seed alone, and tell it")
	script   = flag.String("script", "", "with -seed: its events")
)

// TestLives runs random lives. A life that goes wrong is told, with its seed, in
// as few events as show it.
func TestLives(t *testing.T) {
	if *seedFlag != 0 {
		events := newScript(*seedFlag)
		if *script != "" {
			var err error
			if events, err = parseScript(*script); err != nil {
				t.Fatal(err)
			}
		}
		tell(t, *seedFlag, events)
		return
	}
	limit := *duration
	if testing.Short() {
		limit = min(limit, 3*time.Second)
	}
	began := time.Now()
	base := rand.Uint64() >> 16
	var lives atomic.Int64
	var failed atomic.Uint64
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for time.Since(began) < limit && failed.Load() == 0 {
				seed := base + uint64(lives.Add(1))
				if problem(t, seed, newScript(seed)) != "" {
					failed.Store(seed)
				}
			}
		})
	}
	group.Wait()
	t.Logf("%d lives in %s", lives.Load(), time.Since(began).Round(time.Second))
	if seed := failed.Load(); seed != 0 {
		tell(t, seed, shrink(t, seed, newScript(seed)))
	}
}

// TestKeptLives are lives that went wrong once, by what went wrong.
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
		"the first release's switch is cut off": {1, "1s:0:0 2s:1:40 2.5s:1:60"},
	} {
		t.Run(name, func(t *testing.T) {
			script, err := parseScript(life.script)
			if err != nil {
				t.Fatal(err)
			}
			if p := problem(t, life.seed, script); p != "" {
				t.Error(p)
			}
		})
	}
}

// problem is what goes wrong in a life, or "".
func problem(t *testing.T, seed uint64, script []event) (wrong string) {
	synctest.Test(t, func(*testing.T) { wrong = newWorld(seed, slices.Clone(script)).run() })
	return wrong
}

// shrink leaves out every event without which the life goes wrong as well.
func shrink(t *testing.T, seed uint64, script []event) []event {
	for again := true; again; {
		again = false
		for i := range script {
			less := slices.Delete(slices.Clone(script), i, i+1)
			if len(less) > 0 && problem(t, seed, less) != "" {
				script, again = less, true
				break
			}
		}
	}
	return script
}

// tell reports a life.
func tell(t *testing.T, seed uint64, events []event) {
	t.Helper()
	var w *world
	synctest.Test(t, func(*testing.T) {
		w = newWorld(seed, slices.Clone(events))
		w.verbose = true
		w.run()
	})
	if w.problem != "" {
		t.Errorf("seed %d: %s", seed, w.problem)
	}
	t.Logf("go test ./cloudinit/agent/simulation -run TestLives -seed %d -script %q\n%s workers=%d memory=%d\n%s",
		seed, strings.Trim(fmt.Sprint(events), "[]"), w.config.Mode, w.config.Workers, w.memory, strings.Join(w.trace[max(0, len(w.trace)-200):], "\n"))
}
