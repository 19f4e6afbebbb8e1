package report

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"

	"escala/infra/plan"
)

// largestMarkdown is the size limit in bytes. GitHub accepts 1 MiB as the
// summary of a job; this stays below it.
const largestMarkdown = 900 << 10

func writeMarkdown(w io.Writer, p plan.Plan, every bool) error {
	b := markdown(p, every, true)
	if len(b) > largestMarkdown {
		b = markdown(p, every, false)
	}
	_, err := w.Write(b)
	return err
}

// markdown renders the plan. Without contents, files are only listed.
func markdown(p plan.Plan, every, contents bool) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "## Plan\n\n> %s\n\n", p.Note)
	b.WriteString("| stack | resources | user-data | a month | errors | warnings |\n|---|---|---|---|---|---|\n")
	for _, s := range p.Stacks {
		var data []string
		for _, m := range s.Machines {
			data = append(data, used(m))
		}
		one := plan.New(s)
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %d | %d |\n", cell(s.Name), len(s.Resources), strings.Join(data, ", "), cell(sum(s.Costs)), one.Count(plan.Error), one.Count(plan.Warning))
	}
	if !contents {
		b.WriteString("\nThe files' contents are left out: there are too many. `make plan OUT=folder` writes them.\n")
	}
	for _, s := range p.Stacks {
		markdownStack(&b, s, every, contents)
	}
	fmt.Fprintf(&b, "\n%s\n", counted(p))
	return b.Bytes()
}

func markdownStack(b *bytes.Buffer, s plan.Stack, every, contents bool) {
	fmt.Fprintf(b, "\n### %s\n", s.Name)
	if s.Error != "" {
		fmt.Fprintf(b, "\n**The preview failed:**\n\n%s", fenced("", s.Error))
		return
	}
	fmt.Fprintf(b, "\nTarget `%s`, release `%.12s`\n\n", s.Target, s.Release)
	var rows int
	for _, f := range s.Findings {
		if f.Level == plan.Notice {
			continue
		}
		if rows == 0 {
			b.WriteString("| level | where | what | expected |\n|---|---|---|---|\n")
		}
		rows++
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", f.Level, cell(f.Where), cell(f.What), cell(f.Right))
	}
	if rows == 0 {
		b.WriteString("No errors, no warnings.\n")
	}
	var notices []string
	for _, f := range s.Findings {
		if f.Level == plan.Notice {
			notices = append(notices, f.Where+": "+f.What)
		}
	}
	folded(b, fmt.Sprintf("%d notices", len(notices)), notices)
	if s.Costs != nil {
		folded(b, "costs a month: "+sum(s.Costs), append(costs(*s.Costs), "", plan.CostNote))
	}
	folded(b, fmt.Sprintf("%d resources", len(s.Resources)), tree(s))
	folded(b, "by type", types(s))
	folded(b, "what is made up", about(s))
	for _, m := range s.Machines {
		markdownFiles(b, fmt.Sprintf("machine %s (%s)", m.Name, used(m)), m.Files, every, contents)
	}
	if len(s.Manifests) > 0 {
		markdownFiles(b, fmt.Sprintf("%d manifests", len(s.Manifests)), s.Manifests, every, contents)
	}
}

// folded writes a section that a click opens.
func folded(b *bytes.Buffer, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n<details><summary>%s</summary>\n\n%s\n</details>\n", escaped(title), fenced("", strings.Join(lines, "\n")))
}

func markdownFiles(b *bytes.Buffer, title string, files []plan.File, every, contents bool) {
	fmt.Fprintf(b, "\n<details><summary>%s</summary>\n\n", escaped(title))
	var lines []string
	for _, f := range files {
		lines = append(lines, fmt.Sprintf("%s %6d  %s%s", filesMode(f), f.Size, f.Path, remarks(f)))
	}
	b.WriteString(fenced("", strings.Join(lines, "\n")))
	for _, f := range files {
		if contents && (every || configuration(f)) {
			fmt.Fprintf(b, "\n**%s**\n\n%s", escaped(f.Path), fenced(language(f.Path), strings.TrimRight(f.Content, "\n")))
		}
	}
	b.WriteString("\n</details>\n")
}

func language(name string) string {
	switch path.Ext(name) {
	case ".yaml":
		return "yaml"
	case ".service":
		return "ini"
	}
	if strings.Contains(name, "nginx") {
		return "nginx"
	}
	return ""
}

// fenced returns a code block. Its fence is longer than any fence in the
// content.
func fenced(language, content string) string {
	fence := "```"
	for strings.Contains(content, fence) {
		fence += "`"
	}
	return fence + language + "\n" + content + "\n" + fence + "\n"
}

// cell escapes a text for a table cell.
func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(escaped(text), "|", "\\|"), "\n", "<br>")
}

// escaped escapes HTML and backquotes in a text.
func escaped(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "&#96;").Replace(text)
}
