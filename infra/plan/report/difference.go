package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"escala/infra/plan/compare"
)

// DifferenceWriter writes a difference in one format.
type DifferenceWriter func(w io.Writer, d compare.Difference) error

// DifferenceFormat returns the writer of a format for differences.
func DifferenceFormat(name string) (DifferenceWriter, error) {
	switch name {
	case Text:
		return textDifference, nil
	case Markdown:
		return markdownDifference, nil
	case JSON:
		return func(w io.Writer, d compare.Difference) error {
			enc := json.NewEncoder(w)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			return enc.Encode(d)
		}, nil
	default:
		return nil, fmt.Errorf("the format %q is not one of %s, %s and %s", name, Text, JSON, Markdown)
	}
}

// signs maps changes to Pulumi's own signs.
var signs = map[compare.Change]string{compare.Added: "+", compare.Removed: "-", compare.Changed: "~", compare.Replaced: "+-"}

func textDifference(w io.Writer, d compare.Difference) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n", wrapped(d.Note))
	fmt.Fprintf(&b, "\nbase     %s\n", d.Base)
	if d.Missing != "" {
		fmt.Fprintf(&b, "         %s: everything counts as new\n", d.Missing)
	}
	if len(d.Stacks) == 0 {
		b.WriteString("\nno stack changes\n")
	}
	for _, s := range d.Stacks {
		title := fmt.Sprintf("== %s (%s) ", s.Name, s.Change)
		fmt.Fprintf(&b, "\n%s%s\n", title, strings.Repeat("=", max(0, width-len(title))))
		for _, line := range previews(s) {
			fmt.Fprintf(&b, "%s\n", line)
		}
		if s.Release != nil {
			fmt.Fprintf(&b, "release  %.12s becomes %.12s\n", s.Release[0], s.Release[1])
		}
		if len(s.Resources) > 0 {
			fmt.Fprintf(&b, "\nresources: %s\n", tally(s.Resources))
		}
		for _, line := range changes(s.Resources) {
			fmt.Fprintf(&b, "  %s\n", line)
		}
		if len(s.Files) > 0 {
			b.WriteString("\nfiles\n")
		}
		for _, f := range s.Files {
			fmt.Fprintf(&b, "  %-2s %s\n", signs[f.Change], f.Path)
		}
		for _, f := range s.Files {
			if f.Change == compare.Changed {
				fmt.Fprintf(&b, "\n%s\n", indented(strings.TrimRight(f.Diff, "\n")))
			}
		}
		if s.Costs != nil {
			fmt.Fprintf(&b, "\ncosts a month: %s\n", becomes(*s.Costs))
			for _, line := range costChanges(*s.Costs) {
				fmt.Fprintf(&b, "  %s\n", line)
			}
		}
		if len(s.New) > 0 {
			b.WriteString("\nnew findings\n")
			for _, f := range s.New {
				textFinding(&b, f)
			}
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

func previews(s compare.Stack) []string {
	var lines []string
	if s.Before != "" {
		lines = append(lines, "the preview of the base failed: "+s.Before)
	}
	if s.After != "" {
		lines = append(lines, "the preview failed: "+s.After)
	}
	return lines
}

// tally returns the counts of the changes, for example "1 added, 2 changed".
func tally(resources []compare.Resource) string {
	counts := map[compare.Change]int{}
	for _, r := range resources {
		counts[r.Change]++
	}
	var parts []string
	for _, c := range []compare.Change{compare.Added, compare.Changed, compare.Replaced, compare.Removed} {
		if counts[c] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[c], c))
		}
	}
	return strings.Join(parts, ", ")
}

// changes returns one line per changed resource, followed by its changed
// inputs.
func changes(resources []compare.Resource) []string {
	var lines []string
	for _, r := range resources {
		line := fmt.Sprintf("%-2s %s  %s", signs[r.Change], r.Type, r.Name)
		if len(r.By) > 0 {
			line += "  (replaced because of " + strings.Join(r.By, ", ") + ")"
		}
		if r.Change == compare.Removed && r.Retained {
			line += "  (stays in the cloud)"
		}
		lines = append(lines, line)
		for _, i := range r.Inputs {
			lines = append(lines, fmt.Sprintf("     %s: %s → %s", i.Path, shown(i.Before), shown(i.After)))
		}
	}
	return lines
}

// longest is the length, in characters, after which a value is cut off.
const longest = 160

func shown(value any) string {
	if value == nil {
		return "(none)"
	}
	b, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	text := []rune(string(b))
	if len(text) > longest {
		return string(text[:longest]) + "…"
	}
	return string(text)
}

func markdownDifference(w io.Writer, d compare.Difference) error {
	b := markdownChanges(d, true)
	if len(b) > largestMarkdown {
		b = markdownChanges(d, false)
	}
	_, err := w.Write(b)
	return err
}

func markdownChanges(d compare.Difference, diffs bool) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "## What changes from `%s`\n\n> %s\n", d.Base, d.Note)
	if d.Missing != "" {
		fmt.Fprintf(&b, "\nThe base has no plan: %s. Everything counts as new.\n", cell(d.Missing))
	}
	if len(d.Stacks) == 0 {
		b.WriteString("\nNo stack changes.\n")
	}
	if !diffs {
		b.WriteString("\nThe files' differences are left out: there are too many. `make plan-diff` shows them.\n")
	}
	for _, s := range d.Stacks {
		fmt.Fprintf(&b, "\n### %s (%s)\n", s.Name, s.Change)
		if lines := previews(s); len(lines) > 0 {
			fmt.Fprintf(&b, "\n%s", fenced("", strings.Join(lines, "\n")))
		}
		if s.Release != nil {
			fmt.Fprintf(&b, "\nRelease `%.12s` becomes `%.12s`.\n", s.Release[0], s.Release[1])
		}
		if len(s.New) > 0 {
			b.WriteString("\n| new finding | where | what | expected |\n|---|---|---|---|\n")
			for _, f := range s.New {
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.Level, cell(f.Where), cell(f.What), cell(f.Right))
			}
		}
		if len(s.Resources) > 0 {
			folded(&b, "resources: "+tally(s.Resources), changes(s.Resources))
		}
		if s.Costs != nil {
			folded(&b, "costs a month: "+becomes(*s.Costs), costChanges(*s.Costs))
		}
		for _, f := range s.Files {
			if diffs && f.Change == compare.Changed {
				fmt.Fprintf(&b, "\n<details><summary>%s %s</summary>\n\n%s\n</details>\n", f.Change, escaped(f.Path), fenced("diff", strings.TrimRight(f.Diff, "\n")))
			}
		}
		folded(&b, "files", listed(s.Files))
	}
	return b.Bytes()
}

func listed(files []compare.File) []string {
	var lines []string
	for _, f := range files {
		lines = append(lines, fmt.Sprintf("%-2s %s", signs[f.Change], f.Path))
	}
	return lines
}
