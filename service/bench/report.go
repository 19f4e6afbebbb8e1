package main

import (
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
)

// report writes the comparison and says whether the goals are met.
func report(w io.Writer, s settings, v speed, m sockets) (met bool) {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	line := func(what, ours, plain, ratio string) {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", what, ours, plain, ratio)
	}
	_, _ = fmt.Fprintf(w, "%s, %d CPUs, %s; %d connections, median of %d rounds of %s, %d requests in all\n\n",
		runtime.Version(), runtime.NumCPU(), runtime.GOARCH, s.connections, s.rounds, s.round, v.requests)
	line("", "api serve", "plain net/http", "ratio")
	line("requests/s", fmt.Sprintf("%.0f", v.ours.perSecond), fmt.Sprintf("%.0f", v.plain.perSecond), fmt.Sprintf("%.3f", v.ratio))
	line("CPU per request", v.ours.cpu.String(), v.plain.cpu.String(), fmt.Sprintf("%.3f", float64(v.ours.cpu)/float64(v.plain.cpu)))
	line("p99", v.ours.p99.String(), v.plain.p99.String(), fmt.Sprintf("%.3f", float64(v.ours.p99)/float64(v.plain.p99)))
	line("memory per worker", mib(v.ours.memory), mib(v.plain.memory), fmt.Sprintf("%.2f", float64(v.ours.memory)/float64(v.plain.memory)))
	line(fmt.Sprintf("memory per idle connection, %d open", m.open),
		fmt.Sprintf("%.1f KiB (WebSocket)", kib(m.perSocket)), fmt.Sprintf("%.1f KiB (keep-alive)", kib(m.perPlain)),
		fmt.Sprintf("%.2f", float64(m.perSocket)/float64(m.perPlain)))
	_ = t.Flush()
	_, _ = fmt.Fprintln(w)
	fast := goal(w, fmt.Sprintf("at least %.2f of plain net/http's requests/s", leastRatio), v.ratio >= leastRatio)
	small := goal(w, fmt.Sprintf("at most %d KiB per idle WebSocket", mostPerSocket>>10), m.perSocket <= mostPerSocket)
	return fast && small
}

func goal(w io.Writer, what string, met bool) bool {
	verdict := "missed"
	if met {
		verdict = "met"
	}
	_, _ = fmt.Fprintf(w, "goal %s: %s\n", verdict, what)
	return met
}

func mib(n uint64) string  { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
func kib(n uint64) float64 { return float64(n) / (1 << 10) }
