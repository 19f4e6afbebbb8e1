package pm2

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"escala/infra/testing/conformance/report"
)

// Section returns the result as a section of the report.
func (r Result) Section(run report.Run) report.Section {
	s := report.Section{
		ID: "tutorial", Title: "Beside the tutorial's stack",
		Lead: fmt.Sprintf("A NestJS application under PM2 behind Nginx, set up as the tutorial has it (production mode, logger off), and escala with the same routes, "+
			"each with %d workers, on one computer in one run; rounds alternate, medians count. Node.js %s, %s.", r.Workers, r.Node, r.Go),
		Run: run, Verdict: verdict(r.Met()),
		Parts: []report.Part{r.goalsPart()},
	}
	if len(r.Stacks) > 0 {
		s.Parts = append(s.Parts, r.costsPart())
	}
	for _, g := range r.Goals[:min(len(r.Goals), 6)] {
		value := parts(g.Value)
		if g.Limit == 0 {
			value = fmt.Sprintf("%.0f", g.Value)
		}
		s.Facts = append(s.Facts, report.Fact{Value: value, Label: g.What, Verdict: verdict(g.Met)})
	}
	for _, f := range []struct {
		title, text string
		of          func(StackResult) *Fault
	}{
		{"All workers replaced under load", "Quick GETs and POSTs, and requests that take 300 ms and 2 s, arrive at a steady rate, half of them on connections of their own.", func(s StackResult) *Fault { return s.Reloads }},
		{"A worker killed (SIGKILL) under load", "The requests that the worker held are lost with it; no more need be.", func(s StackResult) *Fault { return s.Kills }},
	} {
		if part := r.faultPart(f.title, f.text, f.of); len(part.Table.Rows) > 0 {
			s.Parts = append(s.Parts, part)
		}
	}
	if r.Install != nil {
		s.Parts = append(s.Parts, r.Install.part())
	}
	return s
}

func (r Result) goalsPart() report.Part {
	t := &report.Table{Columns: []report.Column{{Title: "goal"}, {Title: "bound"}, {Title: "measured", Number: true}, {Title: "verdict"}}}
	for _, g := range r.Goals {
		measured := parts(g.Value)
		if g.Limit == 0 {
			measured = fmt.Sprintf("%.0f", g.Value)
		}
		word := "met"
		if !g.Met {
			word = "missed"
		}
		t.Rows = append(t.Rows, cells(g.What, g.Bound, measured, word))
		t.Rows[len(t.Rows)-1].Cells[3].Verdict = verdict(g.Met)
	}
	return report.Part{Title: "Goals", Table: t}
}

func (r Result) costsPart() report.Part {
	t := &report.Table{Columns: []report.Column{
		{Title: "stack"},
		{Title: "direct, requests/s", Number: true},
		{Title: "CPU, µs", Number: true},
		{Title: "p99, ms", Number: true},
		{Title: "through Nginx, requests/s", Number: true},
		{Title: "CPU, µs", Number: true},
		{Title: "p99, ms", Number: true},
		{Title: "memory idle, MiB", Number: true},
		{Title: "after load, MiB", Number: true},
		{Title: "of it: manager, workers, Nginx", Number: true},
		{Title: "at rest again, MiB", Number: true},
		{Title: "up after, ms", Number: true},
	}}
	for _, s := range r.Stacks {
		row := []string{s.Name}
		for _, speed := range []*Speed{s.Direct, s.Proxied} {
			if speed == nil {
				row = append(row, "–", "–", "–")
			} else {
				row = append(row, fmt.Sprintf("%.0f", speed.PerSecond), fmt.Sprintf("%.0f", speed.CPU), fmt.Sprintf("%.1f", speed.P99))
			}
		}
		row = append(row, mib(s.MemoryIdle), mib(s.MemoryLoaded),
			mib(s.Memory.Manager)+", "+mib(s.Memory.Workers)+", "+mib(s.Memory.Nginx), mib(s.MemoryRested), fmt.Sprintf("%.0f", s.Up))
		t.Rows = append(t.Rows, cells(row...))
	}
	return report.Part{
		Title: "What each costs", Table: t,
		Text: fmt.Sprintf("CPU and memory (PSS) are the whole tree's: process manager, workers, Nginx. CPU is processor time for one request. One worker's start to its first answer: escala %.1f ms, PM2 %.1f ms.", r.Start.Escala, r.Start.PM2),
	}
}

func (r Result) faultPart(title, text string, of func(StackResult) *Fault) report.Part {
	t := &report.Table{Columns: []report.Column{
		{Title: "stack"},
		{Title: "times", Number: true},
		{Title: "requests", Number: true},
		{Title: "failed", Number: true},
		{Title: "slow: failed", Number: true},
		{Title: "POST: failed", Number: true},
		{Title: "p99, ms", Number: true},
		{Title: "each took, s", Number: true},
		{Title: "how"},
	}}
	for _, s := range r.Stacks {
		f := of(s)
		if f == nil {
			continue
		}
		row := cells(s.Name, strconv.Itoa(f.Times), strconv.FormatUint(f.Requests, 10), strconv.FormatUint(f.Failed, 10),
			fmt.Sprintf("%d of %d", f.SlowFailed, f.SlowRequests), fmt.Sprintf("%d of %d", f.PostFailed, f.Posts),
			fmt.Sprintf("%.0f", f.P99), fmt.Sprintf("%.1f", median(f.Seconds)), f.how())
		t.Rows = append(t.Rows, row)
	}
	return report.Part{Title: title, Text: text, Table: t}
}

// how describes the failures by kind: "status 502 12, eof 3".
func (f Fault) how() string {
	var said []string
	for status, n := range f.Status {
		if status != 200 {
			said = append(said, fmt.Sprintf("status %d: %d", status, n))
		}
	}
	for kind, n := range f.Kinds {
		if kind != "status" {
			said = append(said, fmt.Sprintf("%s: %d", kind, n))
		}
	}
	slices.Sort(said)
	return strings.Join(said, ", ")
}

func (in Install) part() report.Part {
	t := &report.Table{Columns: []report.Column{
		{Title: "machine"},
		{Title: "seconds", Number: true},
		{Title: "each"},
		{Title: "CPU seconds", Number: true},
		{Title: "fetched, MiB", Number: true},
		{Title: "added on disk, MiB", Number: true},
	}}
	for _, m := range []struct {
		name string
		s    Setup
	}{{"escala: curl, nginx, supervisor, the release", in.Escala}, {"the tutorial's: nodejs, npm, nginx, npm ci, PM2 (pattern A)", in.PM2}} {
		each := make([]string, len(m.s.Seconds))
		for i, s := range m.s.Seconds {
			each[i] = fmt.Sprintf("%.1f", s)
		}
		t.Rows = append(t.Rows, cells(m.name, fmt.Sprintf("%.1f", median(m.s.Seconds)), strings.Join(each, ", "), fmt.Sprintf("%.1f", median(m.s.CPU)), mib(m.s.Fetched), mib(m.s.Added)))
	}
	return report.Part{
		Title: "A fresh machine, from its start to the first answer through Nginx", Table: t,
		Text: "Debian 12 in a container, with systemd and cloud-init, everything from Debian's and npm's packages. Both applications come compiled.",
	}
}

func cells(texts ...string) report.Row {
	row := report.Row{}
	for _, text := range texts {
		row.Cells = append(row.Cells, report.Cell{Text: text})
	}
	return row
}

func verdict(met bool) report.Verdict {
	if met {
		return report.Pass
	}
	return report.Fail
}

// parts formats a share: 0.05 is "1/20", 2 is "2.0 times".
func parts(share float64) string {
	switch {
	case share >= math.MaxFloat64:
		return "not measured"
	case share <= 0:
		return "0"
	case share >= 1:
		return fmt.Sprintf("%.1f times", share)
	}
	return fmt.Sprintf("1/%.1f", 1/share)
}

func mib(n int64) string { return fmt.Sprintf("%.1f", float64(n)/(1<<20)) }
