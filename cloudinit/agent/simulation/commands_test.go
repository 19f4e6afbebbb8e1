package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/store"
	"escala/service"
)

// commands are the release commands of a world whose releases have one.
type commands struct {
	on bool
	// asked counts the updates that asked for a release.
	asked int64
	// shared are the objects that machines share.
	shared map[string][]byte
	boot   int

	// running is the command that runs, and ends the time of its end. started
	// survives the agent, and ended survives the machine.
	running *agent.CommandRun
	ends    time.Duration
	started agent.CommandRun
	ended   *agent.CommandState
	// other is the run of another machine, which is over at ends.
	other *otherMachine

	runs map[agent.CommandRun]int   // how often each was started
	done map[service.ReleaseID]bool // a run has succeeded
	// without are the releases that were wanted without their command.
	without map[service.ReleaseID]bool
}

// otherMachine is another machine that runs the command of a release.
type otherMachine struct {
	run    agent.CommandRun
	begins time.Duration // after it has looked again that it may
	begun  bool
	ends   time.Duration
	dies   bool
}

// command is the release command of a world, and its time limit.
var command = service.ReleaseCommand{Command: []string{"api", "migrate"}, Timeout: 20 * time.Second}

func newCommands() commands {
	return commands{
		shared: map[string][]byte{}, runs: map[agent.CommandRun]int{},
		done: map[service.ReleaseID]bool{}, without: map[service.ReleaseID]bool{},
	}
}

// useCommand gives the world's releases a command.
func (w *world) useCommand() {
	w.commands.on = true
	w.config.ReleaseCommand, w.config.ReleaseTimeout = command.Command, agent.Duration(command.Timeout)
}

// ask points to a release for another update. Going back to a release that has
// served needs no command.
func (w *world) ask(b *binary, back bool) {
	wanted := service.Wanted{Release: b.Release}
	if c := &w.commands; c.on {
		c.asked++
		wanted.RequestedAt, wanted.Command = c.asked, command.Digest()
		if back {
			wanted.Command = ""
			c.without[b.ID] = true
		}
	}
	if w.traffic != nil {
		wanted = w.traffic.wants(wanted)
	}
	w.store.pointers = append(w.store.pointers, pointer{b, wanted})
}

// commandEnd returns how the command of a release ends: always well, well the second
// time, never well, or not in time.
func (b *binary) commandEnd(runs int) agent.CommandEnd {
	switch {
	case b.number%5 == 1 && runs == 1, b.number%7 == 5:
		return agent.CommandEnd{Status: 3, Output: "the table is locked"}
	case b.number%11 == 7:
		return agent.CommandEnd{Status: 137, Reason: agent.CommandTimedOut}
	}
	return agent.CommandEnd{}
}

// runsOf counts the runs of a release's command.
func (w *world) runsOf(id service.ReleaseID) int {
	n := 0
	for run, times := range w.commands.runs {
		if run.Release == id {
			n += times
		}
	}
	return n
}

// commandFails reports whether the command of the wanted release never succeeds.
func (w *world) commandFails(p pointer) bool {
	return p.wanted.Command != "" && !w.commands.done[p.ID] && (p.number%7 == 5 || p.number%11 == 7)
}

// begin counts a run of a command, on this machine or on another.
func (w *world) begin(run agent.CommandRun) {
	c := &w.commands
	c.runs[run]++
	switch {
	case c.runs[run] > 1:
		w.violation("the command of release %s ran twice for one update", run.Release.Short())
	case c.done[run.Release]:
		w.violation("the command of release %s ran again, and had succeeded", run.Release.Short())
	case c.running != nil || c.other != nil && c.other.begun && c.other.run != run:
		w.violation("two release commands run at the same time")
	}
}

// commandsMove ends the commands that are due.
func (w *world) commandsMove() {
	c := &w.commands
	if c.running != nil && w.elapsed >= c.ends {
		run := *c.running
		end := w.binaries[run.Release].commandEnd(w.runsOf(run.Release))
		c.running, c.ended = nil, &agent.CommandState{CommandRun: run, End: &end}
		c.done[run.Release] = c.done[run.Release] || end.Status == 0
	}
	if other := c.other; other != nil && !other.begun && w.elapsed >= other.begins {
		if w.latest().Machine != "i-2" {
			c.other = nil // it waits, and is taken away before it can begin
		} else {
			other.begun = true
			w.begin(other.run)
		}
	}
	if other := c.other; other != nil && w.elapsed >= other.ends {
		if !other.dies {
			c.done[other.run.Release] = true
			w.put(key(other.run), record{Machine: "i-2", Phase: "succeeded"})
			w.put(strings.TrimSuffix(key(other.run), strconv.FormatInt(other.run.RequestedAt, 10))+"succeeded", record{Machine: "i-2", Phase: "succeeded"})
		}
		c.other = nil
	}
}

// record is the agent's record of a run, and key its key.
type record struct {
	Machine string `json:"machine"`
	Phase   string `json:"phase"`
}

func key(run agent.CommandRun) string {
	return fmt.Sprintf("%s%s-%s/%d", store.CommandsPrefix, run.Release, run.Command, run.RequestedAt)
}

func (w *world) put(key string, v any) {
	content, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	w.commands.shared[key] = content
}

// anotherMachine runs the command of the wanted release on another machine, if this
// one does not. It dies in the middle if dies is true.
func (w *world) anotherMachine(takes time.Duration, dies bool) {
	c := &w.commands
	if !c.on || len(w.store.pointers) == 0 || c.other != nil || c.running != nil {
		return
	}
	wanted := w.store.current().wanted
	run := agent.CommandRun{Release: wanted.ID, Command: wanted.Command, RequestedAt: wanted.RequestedAt}
	var last record
	_ = json.Unmarshal(c.shared[key(w.latest().CommandRun)], &last)
	if run.Command == "" || c.done[run.Release] || c.shared[key(run)] != nil || last.Phase == "begun" {
		return
	}
	w.put(key(run), record{Machine: "i-2", Phase: "begun"})
	w.put(latestKey, latest{run, "i-2"})
	begins := w.elapsed + 2*time.Second
	c.other = &otherMachine{run: run, begins: begins, ends: begins + takes, dies: dies}
}

// latest is the content of latestKey.
type latest struct {
	agent.CommandRun
	Machine string `json:"machine"`
}

const latestKey = store.CommandsPrefix + "latest"

func (w *world) latest() (l latest) {
	_ = json.Unmarshal(w.commands.shared[latestKey], &l)
	return l
}

// boots ends a command with its machine. A shutdown leaves time to record that.
func (w *world) boots(orderly bool) {
	c := &w.commands
	if c.running != nil && orderly && w.rng.IntN(2) == 0 {
		c.ended = &agent.CommandState{CommandRun: *c.running, End: &agent.CommandEnd{Status: 143, Reason: agent.CommandShutDown}}
	}
	c.running, c.started = nil, agent.CommandRun{}
	c.boot++
}

type lifeCommands struct{ *life }

var _ agent.Commands = lifeCommands{}

func (x lifeCommands) Boot() string { return fmt.Sprint("boot-", x.w.commands.boot) }

func (x lifeCommands) Last(context.Context) (agent.CommandState, error) {
	x.call()
	c := &x.w.commands
	switch {
	case c.running != nil:
		return agent.CommandState{CommandRun: *c.running, Running: true}, nil
	case c.ended != nil && (c.started == agent.CommandRun{} || c.started == c.ended.CommandRun):
		return *c.ended, nil
	}
	return agent.CommandState{CommandRun: c.started}, nil
}

func (x lifeCommands) Start(_ context.Context, run agent.CommandRun, program string) error {
	x.call()
	defer x.after()
	w := x.w
	b := w.binaries[run.Release]
	n := w.disk.tree[program]
	if n == nil || b == nil || w.idOf(program) != run.Release || string(n.data) != string(b.content) {
		w.violation("a release command runs what is not release %s", run.Release.Short())
		return errors.New("cannot be executed")
	}
	if !w.tried[run.Release] {
		w.violation("the command of release %s runs before its preflight", run.Release.Short())
	}
	c := &w.commands
	if c.running != nil || c.started == run {
		return errors.New("a command runs already")
	}
	w.begin(run)
	c.running, c.started = &run, run
	c.ends = w.elapsed + w.between(0, command.Timeout)
	return nil
}

type lifeShared struct{ *life }

var _ agent.Shared = lifeShared{}

// lost reports whether the store does not answer. It may have written all the same.
func (s lifeShared) lost() (lost, written bool) {
	s.call()
	if s.w.store.mode == storeAway || s.w.store.mode == storeSlow {
		return true, s.w.rng.IntN(2) == 0
	}
	return false, true
}

func (s lifeShared) Read(_ context.Context, key string, _ int64) ([]byte, error) {
	if lost, _ := s.lost(); lost {
		return nil, errAway
	}
	content, there := s.w.commands.shared[key]
	if !there {
		return nil, store.ErrNotFound
	}
	return content, nil
}

func (s lifeShared) Write(_ context.Context, key string, content []byte) error {
	lost, written := s.lost()
	if written {
		s.w.commands.shared[key] = content
	}
	defer s.after()
	if lost {
		return errAway
	}
	return nil
}

func (s lifeShared) Create(_ context.Context, key string, content []byte) error {
	lost, written := s.lost()
	_, there := s.w.commands.shared[key]
	if written && !there {
		s.w.commands.shared[key] = content
	}
	defer s.after()
	switch {
	case lost:
		return errAway
	case there:
		return store.ErrExists
	}
	return nil
}
