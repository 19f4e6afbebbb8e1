package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"escala/infra/testing/conformance/report"
	"escala/infra/testing/loadgen"
)

// Section returns the result as a section of the report.
func (r Result) Section(run report.Run) report.Section {
	s := report.Section{
		ID: "conformance-" + r.Target, Title: "Releases and faults: " + r.Target,
		Lead: "A service is released to, broken and mended while a steady load is sent to it and every outcome is counted. " + r.About,
		Run:  run, Verdict: report.Pass,
		Facts: r.facts(),
		Parts: []report.Part{r.checks()},
	}
	if len(r.Missed())+len(r.Overloaded()) > 0 || len(r.Outcomes) == 0 {
		s.Verdict = report.Fail
	}
	if said := r.said(); len(said.Table.Rows) > 0 {
		s.Parts = append(s.Parts, said)
	}
	if r.Load != nil {
		s.Parts = append(s.Parts, r.streams())
	}
	return s
}

// facts returns the figures of the section's headline.
func (r Result) facts() []report.Fact {
	var requests, inReleases, failedInReleases uint64
	done, met, longest := 0, 0, Outcome{}
	for _, o := range r.Outcomes {
		requests += o.Requests
		if o.NotApplicable != "" {
			continue
		}
		done++
		if o.Met() {
			met++
		}
		if len(o.Took) > 0 {
			inReleases += o.Requests
			failedInReleases += o.Failed
		}
		if o.Normal > longest.Normal {
			longest = o
		}
	}
	verdict := func(good bool) report.Verdict {
		if good {
			return report.Pass
		}
		return report.Fail
	}
	facts := []report.Fact{
		{Value: fmt.Sprintf("%d of %d", met, done), Label: "checks within their budget", Verdict: verdict(met == done && done > 0)},
	}
	if inReleases > 0 {
		facts = append(facts, report.Fact{
			Value: number(failedInReleases), Label: "failed of " + number(inReleases) + " requests during releases and rollbacks",
			Verdict: verdict(failedInReleases == 0),
		})
	}
	facts = append(facts, report.Fact{Value: number(requests), Label: "requests in all checks"})
	if longest.Normal > 0 {
		facts = append(facts, report.Fact{Value: fmt.Sprintf("%.1f s", longest.Normal), Label: "longest until all was normal again: " + longest.Title})
	}
	return facts
}

// checks returns the table of all checks.
func (r Result) checks() report.Part {
	t := &report.Table{Columns: []report.Column{
		{Title: "check"},
		{Title: "verdict"},
		{Title: "requests", Number: true},
		{Title: "failed", Number: true},
		{Title: "p50 / p99, ms", Number: true},
		{Title: "WebSockets closed"},
		{Title: "messages lost", Number: true},
		{Title: "longest reconnect", Number: true},
		{Title: "normal after", Number: true},
		{Title: "each took", Number: true},
	}}
	for _, o := range r.Outcomes {
		row := report.Row{Cells: make([]report.Cell, len(t.Columns))}
		row.Cells[0] = report.Cell{Text: o.Title, Note: o.What}
		switch {
		case o.NotApplicable != "":
			row.Cells[1] = report.Cell{Text: "not applicable", Note: o.NotApplicable, Verdict: report.NotApplicable}
			t.Rows = append(t.Rows, row)
			continue
		case o.Overload != "":
			row.Cells[1] = report.Cell{Text: "overloaded", Note: o.Overload + ". It counted: " + shortened(strings.Join(o.Problems, "; ")) + ".", Verdict: report.NotApplicable}
		case o.Missed():
			row.Cells[1] = report.Cell{Text: "missed", Note: shortened(strings.Join(o.Problems, "; ")) + ". Budget: " + o.Budget + ".", Verdict: report.Fail}
		default:
			row.Cells[1] = report.Cell{Text: "met", Note: o.Budget, Verdict: report.Pass}
		}
		row.Cells[2].Text = number(o.Requests)
		row.Cells[3] = report.Cell{Text: number(o.Failed), Note: listed(o.Kinds)}
		row.Cells[4].Text = fmt.Sprintf("%.1f / %.1f", o.Latency.P50, o.Latency.P99)
		row.Cells[5].Text = closes(o.Closes)
		row.Cells[6] = report.Cell{Text: number(o.Lost + o.LostAtClose)}
		if o.Messages > 0 {
			row.Cells[6].Note = "of " + number(o.Messages)
		}
		if o.LongestReconnect > 0 {
			row.Cells[7].Text = fmt.Sprintf("%.2f s", o.LongestReconnect)
		}
		if o.Normal > 0 {
			row.Cells[8].Text = fmt.Sprintf("%.1f s", o.Normal)
		}
		row.Cells[9].Text = spread(o.Took)
		t.Rows = append(t.Rows, row)
	}
	return report.Part{
		Title: "Checks",
		Text: "Requests count for the check in which they end. 1001 is the close code of a server that goes away in an orderly way, 1006 a connection that ended without one. " +
			"A message is lost when a client did not receive what another one in its room had sent, also if its connection was just being replaced.",
		Table: t,
	}
}

// said returns what the system's own status reported.
func (r Result) said() report.Part {
	t := &report.Table{Columns: []report.Column{{Title: "check"}, {Title: "the system's own status said"}}}
	for _, o := range r.Outcomes {
		if o.Reason != "" {
			t.Rows = append(t.Rows, report.Row{Cells: []report.Cell{{Text: o.Title}, {Text: shortened(o.Reason)}}})
		}
	}
	return report.Part{Title: "Why, in the system's words", Text: "What an operator reads when something has gone wrong, without logging in.", Table: t}
}

// streams returns the part about the load itself.
func (r Result) streams() report.Part {
	t := &report.Table{Columns: []report.Column{
		{Title: "stream"},
		{Title: "per second", Number: true},
		{Title: "requests", Number: true},
		{Title: "failed", Number: true},
		{Title: "p50 ms", Number: true},
		{Title: "p90 ms", Number: true},
		{Title: "p99 ms", Number: true},
		{Title: "p99.9 ms", Number: true},
		{Title: "max ms", Number: true},
	}}
	line := func(name, rate string, c loadgen.Counters, l loadgen.Latency) {
		cells := []report.Cell{{Text: name}, {Text: rate}, {Text: number(c.Arrivals)}, {Text: number(c.Failed)}}
		for _, v := range []float64{l.P50, l.P90, l.P99, l.P999, l.Max} {
			cells = append(cells, report.Cell{Text: strconv.FormatFloat(v, 'f', 1, 64)})
		}
		t.Rows = append(t.Rows, report.Row{Cells: cells})
	}
	for _, s := range r.Load.Streams {
		line(s.Name, fmt.Sprintf("%.4g", s.Rate), s.Counters, s.Latency)
	}
	line("all", "", r.Load.Total, r.Load.Latency)
	text := "Requests arrive at fixed times, however slow the answers are, and latency counts from the time at which a request was due. " +
		"None is sent twice, so a failure cannot hide behind a retry. Every other request has a connection of its own; the rest share connections that are kept. POSTs have a body, which must come back."
	if s := r.Load.Sockets; s != nil {
		text += fmt.Sprintf(" Beside them %d WebSocket clients in rooms sent %s numbered messages, of which each should have reached all in its room: %s receipts, %s came.",
			s.Clients, number(s.Sent), number(s.Expected), number(s.Delivered))
	}
	text += fmt.Sprintf("\n\nBefore the run the load was tried on a server that fails on purpose: %s. The generator itself was late by %.1f ms at p99.", r.SelfTest, r.Load.Lag.P99)
	return report.Part{Title: "The load", Text: text, Table: t}
}

// closes formats close codes as "1001 × 16".
func closes(codes map[int]uint64) string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		parts = append(parts, fmt.Sprintf("%d × %s", code, number(codes[code])))
	}
	return strings.Join(parts, ", ")
}

// spread formats the minimum, the median and the maximum.
func spread(seconds []float64) string {
	if len(seconds) == 0 {
		return ""
	}
	sorted := slices.Sorted(slices.Values(seconds))
	if len(sorted) < 3 {
		return fmt.Sprintf("%.1f s", sorted[len(sorted)-1])
	}
	return fmt.Sprintf("%.1f–%.1f s", sorted[0], sorted[len(sorted)-1])
}

// number formats 12345 as 12,345.
func number(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// shortened returns the first lines of a text, in at most 400 characters.
func shortened(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if letters := []rune(text); len(letters) > 400 {
		return string(letters[:400]) + "…"
	}
	return text
}
