package loadgen

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Table writes the result for people: a line per stream, then the failures, the
// releases and workers, and the WebSockets.
func (r *Result) Table(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d requests in %.1f s\n\n", r.Target, r.Total.Arrivals, r.Seconds)

	var rows strings.Builder
	fmt.Fprintln(&rows, "\trequests\tok\tfailed\tunsent\tp50\tp90\tp99\tp99.9\tmax ms\t")
	line := func(name string, c Counters, l Latency) {
		fmt.Fprintf(&rows, "%s\t%d\t%d\t%d\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t\n",
			name, c.Arrivals, c.OK, c.Failed, c.Unsent, l.P50, l.P90, l.P99, l.P999, l.Max)
	}
	for _, s := range r.Streams {
		line(s.Name, s.Counters, s.Latency)
	}
	line("all", r.Total, r.Latency)
	fmt.Fprintf(&rows, "from sending\t\t\t\t\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t\n", r.Answer.P50, r.Answer.P90, r.Answer.P99, r.Answer.P999, r.Answer.Max)
	fmt.Fprintf(&rows, "sent late by\t\t\t\t\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t\n", r.Lag.P50, r.Lag.P90, r.Lag.P99, r.Lag.P999, r.Lag.Max)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	if _, err := io.WriteString(t, rows.String()); err != nil {
		return fmt.Errorf("lay out table: %w", err)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("lay out table: %w", err)
	}

	fmt.Fprintln(&b)
	note(&b, "failed", listed(r.Total.Kinds))
	note(&b, "not sent", listed(r.Total.UnsentKinds))
	note(&b, "status", listed(r.Total.Status))
	fmt.Fprintf(&b, "connections: %d opened, %d closed while idle; failed on a reused one: %d\n", r.Total.Opened, r.Total.IdleClosed, r.Total.FailedReused)
	note(&b, "releases", answersListed(r.Releases))
	note(&b, "workers", answersListed(r.Workers))
	if r.Sockets != nil {
		r.Sockets.table(&b)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func (s *SocketResult) table(b *strings.Builder) {
	fmt.Fprintf(b, "\nwebsockets: %d clients, %d dials, %d came back, longest after %.0f ms, %d away at the end\n",
		s.Clients, s.Dials, s.Reconnects, s.LongestReconnect, s.Away)
	note(b, "  closes", listed(s.Closes))
	note(b, "  failed handshakes", listed(s.DialFailures))
	fmt.Fprintf(b, "  messages: %d sent, %d receipts expected, %d delivered (p50 %.1f, p99 %.1f, max %.1f ms), %d lost, %d lost at a close, %d twice, %d out of order\n",
		s.Sent, s.Expected, s.Delivered, s.Delivery.P50, s.Delivery.P99, s.Delivery.Max, s.Lost, s.LostAtClose, s.Duplicates, s.OutOfOrder)
}

// note writes a line unless the text is empty.
func note(b *strings.Builder, title, text string) {
	if text != "" {
		fmt.Fprintf(b, "%s: %s\n", title, text)
	}
}

// shownNames limits the releases and workers in the table. JSON has all of
// them.
const shownNames = 12

func answersListed(answers map[string]Answers) string {
	var parts []string
	for i, name := range slices.Sorted(maps.Keys(answers)) {
		if i == shownNames {
			parts = append(parts, fmt.Sprintf("and %d more", len(answers)-shownNames))
			break
		}
		a := answers[name]
		if name == "" {
			name = "(none)"
		}
		part := fmt.Sprintf("%.12s %d", name, a.OK)
		if a.Failed > 0 {
			part += fmt.Sprintf(" and %d failed", a.Failed)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}
