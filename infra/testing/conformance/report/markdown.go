package report

import (
	"fmt"
	"strings"
	"time"
)

// Markdown renders the document. Its texts are escaped, so that none is
// interpreted as markup.
func Markdown(d Document) string {
	var b strings.Builder
	for i, s := range d.Sections {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "# %s%s\n\n%s\n\n", s.Verdict.sign(), escaped(s.Title), escaped(s.Lead))
		for _, f := range s.Facts {
			fmt.Fprintf(&b, "- %s**%s** %s\n", f.Verdict.sign(), escaped(f.Value), escaped(f.Label))
		}
		for _, p := range s.Parts {
			if p.Title != "" {
				fmt.Fprintf(&b, "\n## %s\n", escaped(p.Title))
			}
			for _, paragraph := range strings.Split(p.Text, "\n\n") {
				if paragraph != "" {
					fmt.Fprintf(&b, "\n%s\n", escaped(paragraph))
				}
			}
			if p.Table != nil {
				b.WriteString("\n" + p.Table.markdown())
			}
		}
		fmt.Fprintf(&b, "\n%s\n", escaped(s.Run.String()))
	}
	return b.String()
}

func (t Table) markdown() string {
	var b strings.Builder
	rule := make([]string, len(t.Columns))
	heads := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		heads[i] = escaped(c.Title)
		if rule[i] = "---"; c.Number {
			rule[i] = "--:"
		}
	}
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(heads)
	line(rule)
	for _, row := range t.Rows {
		cells := make([]string, len(row.Cells))
		for i, c := range row.Cells {
			cells[i] = c.Verdict.sign() + escaped(c.Text)
			if c.Note != "" {
				cells[i] += " (" + escaped(c.Note) + ")"
			}
		}
		line(cells)
	}
	return b.String()
}

// String describes the time, place and sources of the run, and the load of the
// machine.
func (r Run) String() string {
	m := r.Machine
	text := fmt.Sprintf("%s, %s, commit %s", r.Made.UTC().Format("2 January 2006, 15:04 UTC"),
		time.Duration(r.Seconds*float64(time.Second)).Round(time.Second), r.Commit[:min(12, len(r.Commit))])
	if r.Changed {
		text += " with changes"
	}
	return text + fmt.Sprintf("; `%s`; %d CPUs (%s), %d MiB, %s, %s, %s; load average %.2f before and %.2f after, something waited for a processor in %.0f %% of the time.",
		r.Command, m.CPUs, m.Processor, m.MemoryMiB, m.OS, m.Kernel, m.Go, m.LoadBefore, m.LoadAfter, 100*m.CPUWaited)
}

// sign returns the sign that precedes a cell with a verdict.
func (v Verdict) sign() string {
	switch v {
	case Pass:
		return "✓ "
	case Fail:
		return "✗ "
	case NotApplicable:
		return "– "
	case VerdictNone:
	}
	return ""
}

var markup = strings.NewReplacer("\\", `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "<", "&lt;", "&", "&amp;", "[", `\[`, "#", `\#`, "\r", "", "\n", " ")

func escaped(text string) string { return markup.Replace(text) }
