package agent

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"escala/cloudinit/agent/store"
	"escala/service"
	"escala/service/machine"
)

// Limits of the texts in a status, in bytes.
const (
	reasonLimit   = 400
	incidentLimit = 300
)

// report is the last report to the store.
type report struct {
	phase           machine.Phase
	wanted, current service.ReleaseID
	requestedAt     int64
	reason, trouble string
	maintenance     bool
	at              time.Duration
	sent            bool
}

// reportEvery is the shortest time between two reports to the store, since each
// one costs money.
const reportEvery = 10 * time.Second

// publish writes the status, which the gate, the operator and Nginx read.
func (a *Agent) publish(ctx context.Context) machine.Status {
	s := a.status(ctx)
	content, err := json.Marshal(s)
	if err == nil {
		// The file is below /run, which is memory, so it needs no sync.
		part := StatusFile + ".new"
		if err = fill(a.Disk, part, 0o644, writer(append(content, '\n'))); err == nil {
			err = a.Disk.Rename(part, StatusFile)
		}
	}
	if err != nil {
		a.Log.Error("publishing the status", "error", err)
	}
	a.publishToStore(ctx, s)
	if a.Reporter != nil {
		a.Reporter.Observe(s)
	}
	return s
}

// status asks the workers and returns the machine's status.
func (a *Agent) status(ctx context.Context) machine.Status {
	s := machine.Status{
		Machine:     a.MachineID,
		Phase:       a.phase,
		Wanted:      a.wanted.ID,
		RequestedAt: a.wanted.RequestedAt,
		Current:     a.current(),
		Reason:      plain(a.reason, reasonLimit),
		Attempts:    a.attempts,
		Workers:     []machine.Worker{},
	}
	v, err := a.recentView(ctx)
	for n := range a.Config.Workers {
		w := machine.Worker{Worker: n}
		if err == nil {
			if o, ok := v.serving(a.Config, n); ok {
				w.Release, w.Ready = o.answers, o.ready
				w.Trouble = a.trouble(ctx, o)
			}
		}
		if !w.Release.Valid() {
			w.Release = ""
		}
		s.Workers = append(s.Workers, w)
	}
	s.Processes = a.processStatus(ctx)
	if a.Schedules != nil {
		s.Schedules = a.scheduleStatus()
	}
	if a.Certificates != nil {
		s.Certificate = a.Certificates.Status()
		s.Certificate.Error = plain(s.Certificate.Error, reasonLimit)
	}
	s.Maintenance = a.Maintenance != nil && a.Maintenance()
	if a.Incident != nil {
		s.Incident = plain(a.Incident(ctx), incidentLimit)
	}
	refused := a.refusal.Release
	if s.Phase == machine.Refused && (a.watched.back || refused != "" && a.wanted.ID != "" && refused != a.wanted.ID) {
		// The way back is not finished, or leads from another release than the one
		// that is wanted by now.
		s.Phase = machine.Rolling
	}
	if s.Phase == machine.Refused {
		s.Refused = a.refusal.At
		if !a.refusal.final() {
			s.Retry = a.refusal.retryAt(a.Config).Unix()
		}
	}
	// The state may have changed since the round's check.
	if ok, missing := s.Serves(s.Wanted, a.Config.Workers); s.Phase == machine.Serving && !ok {
		s.Phase, s.Reason = machine.Failing, plain(missing, reasonLimit)
	}
	if watched := a.baking(s.Current); s.Phase == machine.Serving && watched != "" {
		s.Phase, s.Reason = machine.Baking, plain(watched, reasonLimit)
	}
	s.Checked = a.Clock.Now().Unix()
	return s
}

// processStatus returns the status of all processes beside the workers.
func (a *Agent) processStatus(ctx context.Context) []machine.Process {
	if a.Processes == nil {
		return nil
	}
	states, err := a.Processes.States(ctx)
	if err != nil {
		a.Log.Warn("looking at the processes", "error", err)
	}
	var all []machine.Process
	for _, i := range a.Config.instances() {
		s, one := states[i], machine.Process{Name: i.Name, Number: i.Number}
		if s.Phase == ProcessUp {
			one.Up, one.Release = true, s.Release
			one.Since, one.Restarts = a.Clock.Now().Add(-s.Up).Unix(), s.Restarts
		}
		all = append(all, one)
	}
	return all
}

// trouble returns the public part of what a worker reports of its dependencies.
func (a *Agent) trouble(ctx context.Context, o occupant) string {
	if o.answers == "" {
		return ""
	}
	return plain(machine.PublicTrouble(a.Workers.Trouble(ctx, o.slot)), reasonLimit)
}

// publishToStore writes the status to the store, for a machine that cannot be reached. Only
// the operator reads it there, so it contains a refused release's output too.
func (a *Agent) publishToStore(ctx context.Context, s machine.Status) {
	now := a.Clock.Elapsed()
	next := report{phase: s.Phase, wanted: s.Wanted, requestedAt: s.RequestedAt, current: s.Current, reason: s.Reason, trouble: s.Trouble(), maintenance: s.Maintenance, sent: true}
	last := a.reported
	last.at = 0
	if last == next || a.reported.sent && now-a.reported.at < reportEvery {
		return
	}
	next.at = now
	a.reported = next
	if s.Phase == machine.Refused {
		s.Output = a.refusal.Output
	}
	content, err := json.Marshal(s)
	if err != nil {
		a.Log.Error("publishing the status", "error", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := a.Store.Write(ctx, store.StatusName, content); err != nil {
		a.Log.Debug("writing the status to the release store", "error", err)
	}
}

// plain returns the printable characters of s, at most limit bytes.
func plain(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	return strings.ToValidUTF8(s[:min(len(s), limit)], "")
}
