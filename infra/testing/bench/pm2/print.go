package pm2

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"escala/infra/testing/conformance/report"
)

// Print writes a section's tables for a terminal.
func Print(w io.Writer, s report.Section) error {
	if _, err := fmt.Fprintf(w, "%s\n", s.Lead); err != nil {
		return err
	}
	for _, p := range s.Parts {
		if _, err := fmt.Fprintf(w, "\n%s\n", p.Title); err != nil {
			return err
		}
		if p.Table == nil {
			continue
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		heads := make([]string, len(p.Table.Columns))
		for i, c := range p.Table.Columns {
			heads[i] = c.Title
		}
		if _, err := fmt.Fprintln(t, "  "+strings.Join(heads, "\t")); err != nil {
			return err
		}
		for _, row := range p.Table.Rows {
			texts := make([]string, len(row.Cells))
			for i, c := range row.Cells {
				texts[i] = c.Text
			}
			if _, err := fmt.Fprintln(t, "  "+strings.Join(texts, "\t")); err != nil {
				return err
			}
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}
