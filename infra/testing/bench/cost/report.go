package main

import (
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"

	"escala/infra/testing/conformance/report"
)

// comparison holds all measured figures.
type comparison struct {
	settings settings
	speed    speed
	sockets  sockets
}

// line holds one figure of both servers as text, and their ratio.
type line struct{ what, escala, plain, ratio string }

func (c comparison) lines() []line {
	v, m := c.speed, c.sockets
	return []line{
		{"requests/s", fmt.Sprintf("%.0f", v.escala.PerSecond), fmt.Sprintf("%.0f", v.plain.PerSecond), fmt.Sprintf("%.3f", v.ratio)},
		{"CPU per request", v.escala.cpu.String(), v.plain.cpu.String(), fmt.Sprintf("%.3f", float64(v.escala.cpu)/float64(v.plain.cpu))},
		{"p99", v.escala.P99.String(), v.plain.P99.String(), fmt.Sprintf("%.3f", float64(v.escala.P99)/float64(v.plain.P99))},
		{"memory per worker under this load", mib(v.escala.memory), mib(v.plain.memory), fmt.Sprintf("%.2f", float64(v.escala.memory)/float64(v.plain.memory))},
		{
			fmt.Sprintf("memory per idle connection, %d open", m.open),
			fmt.Sprintf("%.1f KiB (WebSocket)", kib(m.perSocket)), fmt.Sprintf("%.1f KiB (keep-alive)", kib(m.perPlain)),
			fmt.Sprintf("%.2f", float64(m.perSocket)/float64(m.perPlain)),
		},
	}
}

func (c comparison) fast() bool  { return c.speed.ratio >= minRatio }
func (c comparison) small() bool { return c.sockets.perSocket <= maxPerSocket }

func (c comparison) conditions() string {
	s := c.settings
	return fmt.Sprintf("%s, %d CPUs, %s; %d connections, median of %d rounds of %s, %d requests in all",
		runtime.Version(), runtime.NumCPU(), runtime.GOARCH, s.connections, s.rounds, s.round, c.speed.requests)
}

var (
	fastGoal  = fmt.Sprintf("at least %.2f of plain net/http's requests/s", minRatio)
	smallGoal = fmt.Sprintf("at most %d KiB per idle WebSocket", maxPerSocket>>10)
)

// print writes the comparison for a terminal.
func (c comparison) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintf(w, "%s\n\n", c.conditions())
	for _, l := range append([]line{{"", "api serve", "plain net/http", "ratio"}}, c.lines()...) {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", l.what, l.escala, l.plain, l.ratio)
	}
	_ = t.Flush()
	_, _ = fmt.Fprintln(w)
	goal(w, fastGoal, c.fast())
	goal(w, smallGoal, c.small())
}

func goal(w io.Writer, what string, met bool) {
	verdict := "missed"
	if met {
		verdict = "met"
	}
	_, _ = fmt.Fprintf(w, "goal %s: %s\n", verdict, what)
}

// section returns the comparison as a section of the report.
func (c comparison) section(run report.Run) report.Section {
	table := &report.Table{Columns: []report.Column{
		{Title: ""}, {Title: "api serve", Number: true}, {Title: "plain net/http", Number: true}, {Title: "ratio", Number: true},
	}}
	for _, l := range c.lines() {
		table.Rows = append(table.Rows, report.Row{Cells: []report.Cell{{Text: l.what}, {Text: l.escala}, {Text: l.plain}, {Text: l.ratio}}})
	}
	table.Rows[0].Cells[3].Verdict, table.Rows[0].Cells[3].Note = verdict(c.fast()), fastGoal
	last := len(table.Rows) - 1
	table.Rows[last].Cells[1].Verdict, table.Rows[last].Cells[1].Note = verdict(c.small()), smallGoal
	return report.Section{
		ID: "bench", Title: "What the service costs",
		Lead: "The service answers a small request beside a plain net/http server that does nothing else, in turns in one run, each a process with one processor: the ratio is what draining, metrics, request ids and limits cost.",
		Run:  run, Verdict: verdict(c.fast() && c.small()),
		Facts: []report.Fact{
			{Value: fmt.Sprintf("%.3f", c.speed.ratio), Label: "of plain net/http's requests/s", Verdict: verdict(c.fast())},
			{Value: fmt.Sprintf("%.1f KiB", kib(c.sockets.perSocket)), Label: "per idle WebSocket", Verdict: verdict(c.small())},
			{Value: fmt.Sprintf("%.2f", float64(c.speed.escala.cpu)/float64(c.speed.plain.cpu)), Label: "times the CPU per request"},
		},
		Parts: []report.Part{{Text: c.conditions() + ".", Table: table}},
	}
}

func verdict(met bool) report.Verdict {
	if met {
		return report.Pass
	}
	return report.Fail
}

func mib(n uint64) string  { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
func kib(n uint64) float64 { return float64(n) / (1 << 10) }
