// Package screen writes the results of operating a stack as text for people: lines
// of at most 80 columns, in color if enabled.
package screen

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"escala/infra/operate"
	"escala/service"
	"escala/service/event"
)

// unknown is the text for a value that is not known. Such a value is never shown as
// good.
const unknown = "unknown"

// Screen writes to Out.
type Screen struct {
	Out io.Writer
	// Color enables ANSI colors.
	Color bool
	// Now is the time relative to which ages are shown.
	Now time.Time
}

const (
	red    = "31"
	green  = "32"
	yellow = "33"
	bold   = "1"
)

// Status writes a stack's status.
func (s Screen) Status(v operate.Status) {
	word, color := "well", green
	if !v.Well {
		word, color = "unwell", red
	}
	fmt.Fprintf(s.Out, "%s on %s is %s\n", s.paint(bold, v.Stack), v.Target, s.paint(color, word))
	s.row("url", cmp.Or(v.URL, unknown))
	s.row("release", releases(v))
	if p := v.Pods; p != nil {
		pods := fmt.Sprintf("%d of %d ready", p.Ready, p.Wanted)
		if p.Max > 0 {
			pods += fmt.Sprintf(", autoscaled from %d to %d", p.Min, p.Max)
		}
		s.row("pods", pods)
	}
	if v.Maintenance {
		s.row("clients", s.paint(yellow, "get the page of a maintenance; make maintenance ON=0 ends it"))
	}
	if r := v.Command; r != nil {
		s.row("command", s.command(*r))
	}
	s.row("updated", s.updated(v.Updated))
	s.row("drift", s.drift(v.Drift))
	if c := v.Certificate; c != nil {
		text := "none"
		if len(c.Names) > 0 {
			text = fmt.Sprintf("%s until %s, by %s", strings.Join(c.Names, ", "), time.Unix(c.NotAfter, 0).UTC().Format(time.DateOnly), cmp.Or(c.Issuer, unknown))
		}
		if c.Error != "" {
			text += "; " + c.Error
		}
		s.row("https", text)
	}
	s.row("incident", cmp.Or(v.Incident, "none"))
	s.row("cost", cost(v.Cost))
	for _, m := range v.Machines {
		s.machine(m)
	}
	s.instances(v)
	for _, p := range v.Problems {
		s.painted("problem", red, p)
	}
	for _, u := range v.Unknown {
		s.painted(unknown, yellow, u)
	}
}

func cost(c *operate.Cost) string {
	if c == nil {
		return unknown
	}
	if c.High == 0 && c.Unpriced == 0 {
		return "nothing"
	}
	unpriced := "1 resource that is not priced"
	if c.Unpriced > 1 {
		unpriced = fmt.Sprintf("%d resources that are not priced", c.Unpriced)
	}
	if c.High == 0 {
		return unpriced + " (make plan has the lines)"
	}
	text := fmt.Sprintf("%.2f USD a month", c.High)
	if c.Low < c.High {
		text = fmt.Sprintf("%.2f to %s", c.Low, text)
	}
	if c.Unpriced > 0 {
		text += ", and " + unpriced
	}
	return text + " (make plan has the lines)"
}

// releases returns the wanted release, and how many instances run it.
func releases(v operate.Status) string {
	on := 0
	for _, i := range v.Instances {
		if i.Release == v.Wanted && i.Ready {
			on++
		}
	}
	if v.Wanted == "" {
		return unknown
	}
	return fmt.Sprintf("%s on %d of %d", v.Wanted.Short(), on, len(v.Instances))
}

func (s Screen) updated(u *operate.Updated) string {
	if u == nil {
		return unknown
	}
	text := fmt.Sprintf("%s ago: %s %s in %d s", operate.Ago(s.Now.Sub(u.Time)), u.Kind, u.Result, u.Seconds)
	if u.Who != "" {
		text += ", by " + u.Who
	}
	return text
}

// command describes the last run of the release command.
func (s Screen) command(r operate.CommandRun) string {
	release := cmp.Or(short(r.Release), "an unknown release")
	if r.Result == "" {
		return fmt.Sprintf("runs for %s, for %s", release, operate.Ago(s.Now.Sub(r.Began)))
	}
	text := fmt.Sprintf("%s for %s in %d s, %s ago", r.Result, release, r.Seconds, operate.Ago(s.Now.Sub(r.Ended())))
	if r.Text != "" {
		text += ": " + r.Text
	}
	return text
}

func (s Screen) drift(u *operate.Updated) string {
	if u == nil {
		return unknown + " (make refresh compares the state with what exists)"
	}
	found := "none"
	if u.Changes > 0 {
		found = fmt.Sprintf("%d resources", u.Changes)
		if u.Drifted != "" {
			found += " (" + u.Drifted + ")"
		}
	}
	return fmt.Sprintf("%s, %s ago", found, operate.Ago(s.Now.Sub(u.Time)))
}

func (s Screen) machine(m operate.Machine) {
	id := m.ID
	if m.Replaced {
		id += ", serves until its successor does"
	}
	s.row("machine", id)
	text := cmp.Or(string(m.Phase), unknown)
	switch {
	case m.Age != nil:
		text += fmt.Sprintf(", looked %s ago", operate.Ago(time.Duration(*m.Age)*time.Second))
	case m.LastReport == nil:
		text += ", never heard of"
	}
	if m.Source == "store" {
		text += " (from the release store)"
	}
	if m.Booted != nil {
		text += ", up " + operate.Ago(s.Now.Sub(*m.Booted))
	}
	s.row("", text)
	s.row("", fmt.Sprintf("disk %s, memory %s", left(m.DiskFree, m.DiskTotal), left(m.MemoryFree, m.MemoryTotal)))
}

func left(free, total *int64) string {
	if free == nil || total == nil {
		return unknown
	}
	return fmt.Sprintf("%s of %s free", operate.Bytes(*free), operate.Bytes(*total))
}

// instances writes a table of workers or pods.
func (s Screen) instances(v operate.Status) {
	if len(v.Instances) == 0 {
		return
	}
	head := "WORKER"
	if v.Pods != nil {
		head = "POD"
	}
	rows := [][]string{{head, "RELEASE", "READY", "SINCE", "RESTARTS", "MEMORY"}}
	for _, i := range v.Instances {
		row := []string{i.Name, cmp.Or(short(i.Release), "none"), "no", unknown, unknown, unknown}
		if i.Ready {
			row[2] = "yes"
		}
		if i.Since != nil {
			row[3] = operate.Ago(s.Now.Sub(*i.Since))
		}
		if i.Restarts != nil {
			row[4] = strconv.Itoa(*i.Restarts)
		}
		if i.MemoryBytes != nil {
			row[5] = operate.Bytes(*i.MemoryBytes)
		}
		rows = append(rows, row)
	}
	fmt.Fprintln(s.Out)
	s.table(rows, func(row, column int, text string) string {
		switch {
		case row == 0:
			return s.paint(bold, text)
		case column == 2 && strings.TrimSpace(text) == "no":
			return s.paint(red, text)
		}
		return text
	})
	for _, i := range v.Instances {
		// A cluster's status has a pod's trouble among the problems too.
		told := slices.ContainsFunc(v.Problems, func(p string) bool {
			return strings.Contains(p, i.Name) && strings.Contains(p, i.Trouble)
		})
		if i.Trouble != "" && !told {
			s.painted("trouble", yellow, i.Name+": "+i.Trouble)
		}
	}
}

func short(id service.ReleaseID) string { return id.Short() }

// Events writes events, the latest last.
func (s Screen) Events(events []event.Event) {
	for _, e := range events {
		color := ""
		switch {
		case e.Result == event.Failed, e.Kind == event.Refusal, e.Kind == event.Unwell:
			color = red
		case e.Kind == event.Incident, e.Kind == event.Reboot:
			color = yellow
		}
		kind := fmt.Sprintf("%-11s", e.Kind)
		if color != "" {
			kind = s.paint(color, kind)
		}
		var parts []string
		if e.Release != "" {
			parts = append(parts, e.Release.Short())
		}
		if e.Result != "" {
			parts = append(parts, fmt.Sprintf("%s in %d s", e.Result, e.Seconds))
		}
		if e.Commit != "" {
			parts = append(parts, e.Source())
		}
		if e.Who != "" {
			parts = append(parts, "by "+e.Who)
		}
		if e.Instance != "" {
			parts = append(parts, "on "+e.Instance)
		}
		if e.Text != "" {
			parts = append(parts, e.Text)
		}
		const before = len(time.DateTime) + 1 + 11 + 1
		for i, line := range wrap(strings.Join(parts, ", "), width-before) {
			if i == 0 {
				fmt.Fprintf(s.Out, "%s %s %s\n", e.Time.UTC().Format(time.DateTime), kind, line)
				continue
			}
			fmt.Fprintln(s.Out, strings.Repeat(" ", before)+line)
		}
	}
}
