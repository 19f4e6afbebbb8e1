package status

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"
)

// WriteTable writes one line per worker, for people.
func WriteTable(w io.Writer, c Report) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "WORKER\tPID\tSTATE\tRELEASE\tUPTIME\tRESTARTS\tREQUESTS\tIN FLIGHT\tCONNS\tWEBSOCKETS\tMEMORY")
	for _, one := range c.Workers {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\n",
			number(one.Worker), number(one.PID), one.State, short(one.Release),
			(time.Duration(one.UptimeSeconds) * time.Second).String(), restarts(one.Restarts),
			one.Requests, one.InFlight, one.Connections, one.WebSockets, mebibytes(one.MemoryBytes))
	}
	if c.PID != 0 {
		_, _ = fmt.Fprintf(t, "primary\t%d\n", c.PID)
	}
	if c.Roll != nil {
		_, _ = fmt.Fprintf(t, "last roll\t%s\t%s\n", c.Roll.State, c.Roll.Error)
	}
	if c.Incident != "" {
		_, _ = fmt.Fprintf(t, "last incident\t%s\n", c.Incident)
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return nil
}

// number returns "?" for a value of a socket that does not answer.
func number(n int) string {
	if n < 0 {
		return "?"
	}
	return strconv.Itoa(n)
}

func short(release string) string { return release[:min(12, len(release))] }

func restarts(n *int) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(*n)
}

func mebibytes(n uint64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
