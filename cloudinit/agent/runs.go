package agent

import (
	"encoding/json"
	"fmt"
	"path"
	"time"

	"escala/service"
	"escala/service/cron"
	"escala/service/machine"
)

// runsFolder has a file for each schedule, with its runs on this machine.
const runsFolder = stateFolder + "/schedules"

// Run is a run of a schedule's command.
type Run struct {
	// Time is the scheduled time of the run. Began and Ended are its real times. All
	// are in seconds since 1970.
	Time  int64 `json:"time"`
	Began int64 `json:"began"`
	Ended int64 `json:"ended,omitempty"`
	// Release is the release that it runs.
	Release service.ReleaseID `json:"release"`
	// Boot is the boot of the machine that it runs in.
	Boot string `json:"boot,omitempty"`
	// Status is its exit status, and Result the reason of its end.
	Status int    `json:"status"`
	Result string `json:"result,omitempty"`
}

// interrupted is the result of a run that ended with its machine.
const interrupted = "interrupted"

// runs is the record of a schedule's runs.
type runs struct {
	// Cron has the schedule's times. Time is the last of them that was decided
	// about.
	Cron string `json:"cron"`
	Time int64  `json:"time"`
	// Running is the run in progress, and Last the one that ended last.
	Running *Run `json:"running,omitempty"`
	Last    *Run `json:"last,omitempty"`
	// Missed and Skipped count the times without a run: because the machine was off,
	// or because the run before had not ended. LastMissed is the last one of either.
	Missed     int   `json:"missed,omitempty"`
	Skipped    int   `json:"skipped,omitempty"`
	LastMissed int64 `json:"lastMissed,omitempty"`
	// Elsewhere is the last time whose run was another machine's.
	Elsewhere int64 `json:"elsewhere,omitempty"`
}

// closeInterrupted ends a run without a recorded end: its machine ended before it.
func (r *runs) closeInterrupted(now time.Time) {
	if r.Running != nil {
		r.end(now, 0, interrupted)
	}
}

func (r *runs) end(now time.Time, status int, result string) {
	ended := *r.Running
	ended.Ended, ended.Status, ended.Result, ended.Boot = now.Unix(), status, result, ""
	r.Running, r.Last = nil, &ended
}

// countMissed counts the times between the last one that was taken and the one that is
// due.
func (r *runs) countMissed(times cron.Expression, last, due time.Time) {
	n := times.Between(last, due, missedLimit)
	if n == 0 {
		return
	}
	until := last
	if r.Last != nil && r.Last.Result != interrupted {
		until = time.Unix(r.Last.Ended, 0)
	}
	skipped := times.Between(last, earlier(until, due), missedLimit)
	r.Skipped += skipped
	r.Missed += n - skipped
	if before, ok := times.Last(due.Add(-time.Minute)); ok {
		r.LastMissed = before.Unix()
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (r *runs) addMissed(due time.Time) {
	r.Missed++
	r.LastMissed = due.Unix()
}

func runsFile(schedule string) string { return path.Join(runsFolder, schedule+".json") }

func readRuns(d Disk, schedule string) (runs, error) { return recall[runs](d, runsFile(schedule)) }

func writeRuns(d Disk, schedule string, record runs) error {
	content, err := json.Marshal(record)
	if err == nil {
		err = d.MakeFolder(runsFolder)
	}
	if err == nil {
		err = writeFile(d, runsFile(schedule), content)
	}
	if err != nil {
		return fmt.Errorf("recording the run of %s: %w", schedule, err)
	}
	return nil
}

// byHand is the end of the name of the record of a run that was started by hand.
// No schedule's name has a dot.
const byHand = ".hand"

// HoldForRun protects the release of a run that was started by hand from prune,
// until EndHold or the machine's next boot.
func HoldForRun(d Disk, name string, release service.ReleaseID, boot string, now time.Time) error {
	return writeRuns(d, name+byHand, runs{Running: &Run{Began: now.Unix(), Release: release, Boot: boot}})
}

// EndHold forgets what HoldForRun recorded.
func EndHold(d Disk, name string) error { return d.Remove(runsFile(name + byHand)) }

// held returns the releases that runs of this boot use.
func (a *Agent) held() (map[service.ReleaseID]bool, error) {
	held := map[service.ReleaseID]bool{}
	var names []string
	for _, s := range a.Config.Schedules {
		names = append(names, s.Name, s.Name+byHand)
	}
	for _, p := range a.Config.Processes {
		names = append(names, p.Name+byHand)
	}
	for _, name := range names {
		record, err := readRuns(a.Disk, name)
		if err != nil {
			return nil, err
		}
		if record.Running != nil && record.Running.Boot == a.Boot {
			held[record.Running.Release] = true
		}
	}
	return held, nil
}

// scheduleStatus returns the status of all schedules.
func (a *Agent) scheduleStatus() []machine.Schedule {
	var all []machine.Schedule
	for _, s := range a.Config.Schedules {
		one := machine.Schedule{Name: s.Name}
		if times, err := cron.Parse(s.Cron); err == nil {
			if next, ok := times.Next(a.Clock.Now()); ok {
				one.Next = next.Unix()
			}
		}
		record, err := readRuns(a.Disk, s.Name)
		if err != nil {
			a.Log.Warn("reading a schedule's runs", "schedule", s.Name, "error", err)
		}
		if record.Running != nil && record.Running.Boot != a.Boot {
			record.closeInterrupted(time.Unix(record.Running.Began, 0))
			record.Last.Ended = 0
		}
		one.Running, one.Last = record.Running.status(), record.Last.status()
		one.Missed, one.Skipped, one.LastMissed, one.Elsewhere = record.Missed, record.Skipped, record.LastMissed, record.Elsewhere
		all = append(all, one)
	}
	return all
}

func (r *Run) status() *machine.Run {
	if r == nil {
		return nil
	}
	return &machine.Run{
		Time: r.Time, Began: r.Began, Ended: r.Ended, Release: r.Release,
		Status: r.Status, Result: plain(r.Result, reasonLimit),
	}
}
