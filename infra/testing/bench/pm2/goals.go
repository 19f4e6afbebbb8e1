package pm2

import (
	"strconv"

	"escala/service"
)

// These are the goals as shares of the tutorial's figures: CPU for one request
// through Nginx, memory, the time to the first answer, the time to set up a
// machine.
const (
	cpuParts     = 4
	memoryParts  = 20
	startParts   = 100
	installParts = 3
)

// find returns the stack with a name.
func (r Result) find(name string) *StackResult {
	for i := range r.Stacks {
		if r.Stacks[i].Name == name {
			return &r.Stacks[i]
		}
	}
	return nil
}

// goals compares the run with the goals. It compares escala's default mode with the
// tutorial's equivalent mode: in both, the workers share one socket.
func (r Result) goals() []Goal {
	var goals []Goal
	escala, pm2 := r.find((&escalaStack{mode: service.WorkersShared}).name()), r.find((&pm2Stack{pattern: patternA}).name())
	if escala != nil && pm2 != nil {
		var cpu Pair
		if escala.Proxied != nil && pm2.Proxied != nil {
			cpu = Pair{Escala: escala.Proxied.CPU, PM2: pm2.Proxied.CPU}
		}
		goals = append(goals,
			ratioGoal("CPU for one request through Nginx, whole stack", cpu, cpuParts),
			ratioGoal("memory of the whole stack after load ("+strconv.Itoa(r.Workers)+" workers, PSS)", Pair{float64(escala.MemoryLoaded), float64(pm2.MemoryLoaded)}, memoryParts))
	}
	if len(r.Stacks) > 0 {
		goals = append(goals, ratioGoal("one worker's start to its first answer", r.Start, startParts))
	}
	for _, s := range r.Stacks {
		if !s.PM2 && s.Reloads != nil {
			goals = append(goals, newGoal("failed requests in "+strconv.Itoa(s.Reloads.Times)+" reloads: "+s.Name, "0", float64(s.Reloads.Failed), 0))
		}
	}
	if r.Install != nil {
		goals = append(goals, ratioGoal("a fresh machine's start to its first answer", Pair{median(r.Install.Escala.Seconds), median(r.Install.PM2.Seconds)}, installParts))
	}
	return goals
}

// Met reports whether all goals are met.
func (r Result) Met() bool {
	for _, g := range r.Goals {
		if !g.Met {
			return false
		}
	}
	return len(r.Goals) > 0
}

// digits formats a number without an exponent.
func digits(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
