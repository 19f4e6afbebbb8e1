package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"escala/infra/plan"
)

// width is the width of the text format in characters.
const width = 90

func writeText(w io.Writer, p plan.Plan, every bool) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n", wrapped(p.Note))
	for _, s := range p.Stacks {
		textStack(&b, s, every)
	}
	fmt.Fprintf(&b, "\n%s\n", counted(p))
	_, err := w.Write(b.Bytes())
	return err
}

func textStack(b *bytes.Buffer, s plan.Stack, every bool) {
	title := "== " + s.Name + " "
	fmt.Fprintf(b, "\n%s%s\n", title, strings.Repeat("=", max(0, width-len(title))))
	if s.Error != "" {
		fmt.Fprintf(b, "\nerror: the preview failed\n%s\n", indented(s.Error))
		return
	}
	fmt.Fprintf(b, "target   %s\nrelease  %s\n", s.Target, s.Release)
	for _, line := range about(s) {
		fmt.Fprintf(b, "  %s\n", line)
	}
	fmt.Fprintf(b, "\n%d resources\n", len(s.Resources))
	for _, line := range tree(s) {
		fmt.Fprintf(b, "  %s\n", line)
	}
	fmt.Fprintf(b, "\nby type\n")
	for _, line := range types(s) {
		fmt.Fprintf(b, "  %s\n", line)
	}
	for _, m := range s.Machines {
		fmt.Fprintf(b, "\non machine %s (%s)\n", m.Name, used(m))
		textFiles(b, m.Files, every)
	}
	if len(s.Manifests) > 0 {
		fmt.Fprintf(b, "\nin the cluster\n")
		textFiles(b, s.Manifests, every)
	}
	if s.Costs != nil {
		fmt.Fprintf(b, "\ncosts a month\n")
		for _, line := range costs(*s.Costs) {
			fmt.Fprintf(b, "  %s\n", line)
		}
		fmt.Fprintf(b, "%s\n", indented(wrapped(plan.CostNote)))
	}
	fmt.Fprintf(b, "\nfindings\n")
	for _, f := range s.Findings {
		textFinding(b, f)
	}
	if len(s.Findings) == 0 {
		fmt.Fprintf(b, "  none\n")
	}
}

func textFiles(b *bytes.Buffer, files []plan.File, every bool) {
	for _, f := range files {
		fmt.Fprintf(b, "  %s %6d  %s%s\n", filesMode(f), f.Size, f.Path, remarks(f))
	}
	for _, f := range files {
		if every || configuration(f) {
			fmt.Fprintf(b, "\n  -- %s\n%s\n", f.Path, indented(strings.TrimRight(f.Content, "\n")))
		}
	}
}

func remarks(f plan.File) string {
	var all []string
	if f.Owner != "" {
		all = append(all, "owner "+f.Owner)
	}
	if f.Defer {
		all = append(all, "after the packages")
	}
	if f.Append {
		all = append(all, "appended")
	}
	if len(all) == 0 {
		return ""
	}
	return "  (" + strings.Join(all, ", ") + ")"
}

func textFinding(b *bytes.Buffer, f plan.Finding) {
	fmt.Fprintf(b, "  %-8s %s: %s\n", f.Level, f.Where, strings.ReplaceAll(f.What, "\n", "\n"+strings.Repeat(" ", 11)))
	if f.Right != "" {
		fmt.Fprintf(b, "           expected: %s\n", f.Right)
	}
}

func indented(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = "    " + line
		}
	}
	return strings.Join(lines, "\n")
}

// wrapped breaks a text at spaces after at most width characters.
func wrapped(text string) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		switch {
		case column == 0:
		case column+1+len(word) > width:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}
