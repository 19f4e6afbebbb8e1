package pm2

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"escala/infra/testing/bench/closedloop"
	"escala/infra/testing/conformance/report"
	"escala/infra/testing/loadgen"
	"escala/service"
)

func TestMedianIsTheMiddle(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 2, median([]int{3, 1, 2}))
	assert.Equal(t, 3, median([]int{4, 1, 3, 2}), "the upper of two")
	assert.Equal(t, 0, median([]int{}))
	all := []float64{2, 1}
	median(all)
	assert.Equal(t, []float64{2, 1}, all, "the argument stays as it was")
}

func TestRatioGoalIsMetUpToItsBound(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pair Pair
		met  bool
	}{
		"below":                {Pair{24, 100}, true},
		"exactly":              {Pair{25, 100}, true},
		"above":                {Pair{26, 100}, false},
		"PM2 not measured":     {Pair{25, 0}, false},
		"nothing was measured": {Pair{0, 0}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.met, ratioGoal("x", test.pair, 4).Met)
		})
	}
	assert.False(t, newGoal("x", "", math.NaN(), 1).Met)
	assert.True(t, newGoal("x", "", 0, 0).Met)
	assert.False(t, newGoal("x", "", 1, 0).Met)
}

func TestSpeedIsTheMedianOfItsRounds(t *testing.T) {
	t.Parallel()
	got := speedOf([]round{
		{closedloop.Result{Requests: 10, PerSecond: 100, P99: 3 * time.Millisecond}, 40 * time.Microsecond},
		{closedloop.Result{Requests: 20, PerSecond: 300, P99: time.Millisecond}, 20 * time.Microsecond},
		{closedloop.Result{Requests: 30, PerSecond: 200, P99: 2 * time.Millisecond}, 30 * time.Microsecond},
	})
	assert.Equal(t, &Speed{PerSecond: 200, CPU: 30, P99: 2, Requests: 60}, got)
}

func TestFaultCountsSlowRequestsAndPostsByThemselves(t *testing.T) {
	t.Parallel()
	stream := func(name string, arrivals, failed uint64) loadgen.StreamResult {
		return loadgen.StreamResult{Name: name, Counters: loadgen.Counters{Arrivals: arrivals, Failed: failed}}
	}
	var f Fault
	f.count(&loadgen.Result{
		Total:   loadgen.Counters{Arrivals: 100, Failed: 10, Kinds: map[loadgen.Kind]uint64{loadgen.BadStatus: 7, loadgen.EOF: 3}, Status: map[int]uint64{200: 90, 502: 7}},
		Streams: []loadgen.StreamResult{stream("get", 60, 1), stream("post", 30, 2), stream("slow-300ms", 5, 3), stream("slow-2s", 5, 4)},
	})
	assert.Equal(t, uint64(10), f.Failed)
	assert.Equal(t, uint64(30), f.Posts)
	assert.Equal(t, uint64(2), f.PostFailed)
	assert.Equal(t, uint64(10), f.SlowRequests)
	assert.Equal(t, uint64(7), f.SlowFailed)
	assert.Equal(t, "eof: 3, status 502: 7", f.how(), "a status is named by its number, once")
}

func TestDisjoint(t *testing.T) {
	t.Parallel()
	assert.True(t, disjoint([]int{1, 2}, []int{3}))
	assert.False(t, disjoint([]int{1, 2}, []int{2, 3}))
}

// result returns a run that meets every goal.
func result() Result {
	one := func(name string, pm2 bool, cpu float64, memory int64) StackResult {
		return StackResult{
			Name: name, PM2: pm2, MemoryLoaded: memory, Proxied: &Speed{CPU: cpu, PerSecond: 1},
			Reloads: &Fault{Times: 10, Failed: map[bool]uint64{true: 9, false: 0}[pm2]}, Kills: &Fault{},
		}
	}
	r := Result{
		Workers: 4, Start: Pair{Escala: 3, PM2: 300},
		Stacks: []StackResult{
			one((&pm2Stack{pattern: patternA}).name(), true, 400, 400<<20),
			one((&escalaStack{mode: service.WorkersShared}).name(), false, 50, 20<<20),
			one((&escalaStack{mode: service.WorkersPorts}).name(), false, 50, 20<<20),
		},
		Install: &Install{
			Escala: Setup{Seconds: []float64{9, 8, 30}, CPU: []float64{5}},
			PM2:    Setup{Seconds: []float64{60, 50, 40}, CPU: []float64{50}},
		},
	}
	r.Goals = r.goals()
	return r
}

func TestGoalsAreJudged(t *testing.T) {
	t.Parallel()
	r := result()
	assert.True(t, r.Met(), "%+v", r.Goals)
	assert.Len(t, r.Goals, 6)
	for name, spoil := range map[string]func(*Result){
		"CPU":           func(r *Result) { r.Stacks[1].Proxied.CPU = 101 },
		"no CPU":        func(r *Result) { r.Stacks[0].Proxied = nil },
		"memory":        func(r *Result) { r.Stacks[1].MemoryLoaded = 21 << 20 },
		"start":         func(r *Result) { r.Start.Escala = 3.1 },
		"a reload":      func(r *Result) { r.Stacks[2].Reloads.Failed = 1 },
		"a slow set-up": func(r *Result) { r.Install.Escala.Seconds = []float64{17} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := result()
			spoil(&r)
			r.Goals = r.goals()
			assert.False(t, r.Met())
		})
	}
	assert.False(t, Result{}.Met(), "nothing measured, nothing met")
}

func TestSectionIsAReport(t *testing.T) {
	t.Parallel()
	s := result().Section(report.Run{})
	assert.Equal(t, report.Pass, s.Verdict)
	assert.NoError(t, report.New(s).Validate())
	var text printed
	assert.NoError(t, Print(&text, s))
	assert.Contains(t, string(text), "1/20.0")
}

type printed []byte

func (p *printed) Write(b []byte) (int, error) {
	*p = append(*p, b...)
	return len(b), nil
}

func TestPartsReadAsPeopleDo(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]string{0: "0", 0.05: "1/20.0", 0.25: "1/4.0", 1: "1.0 times", 2.5: "2.5 times", math.MaxFloat64: "not measured"} {
		assert.Equal(t, want, parts(share))
	}
}
