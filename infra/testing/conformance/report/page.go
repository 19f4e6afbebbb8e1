package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"time"
)

//go:embed page.html.tmpl
var pageTemplate string

//go:embed page.css
var pageStyle string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"plot":       layOut,
	"bars":       compare,
	"paragraphs": paragraphs,
	"when":       func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") },
	"lasted":     func(s float64) string { return time.Duration(s * float64(time.Second)).Round(time.Second).String() },
	"percent":    func(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) },
	"gib":        func(mib int) string { return fmt.Sprintf("%.1f GiB", float64(mib)/1024) },
	"short":      func(commit string) string { return commit[:min(12, len(commit))] },
	"sign":       sign,
	"style":      func() template.CSS { return template.CSS(pageStyle) }, //nolint:gosec // it is our own file
}).Parse(pageTemplate))

// Page is the document as one HTML page. Nothing in it leads out of it.
func Page(d Document) ([]byte, error) {
	if err := d.Validate(); err != nil {
		return nil, fmt.Errorf("this report cannot be shown: %w", err)
	}
	var b bytes.Buffer
	if err := page.Execute(&b, struct {
		Document
		Missed int
	}{d, d.missed()}); err != nil {
		return nil, fmt.Errorf("laying out the report: %w", err)
	}
	return b.Bytes(), nil
}

// WritePage writes the page to a file, whole or not at all.
func WritePage(path string, d Document) error {
	content, err := Page(d)
	if err != nil {
		return err
	}
	return replaceFile(path, content)
}

// missed counts the sections that miss something.
func (d Document) missed() int {
	n := 0
	for _, s := range d.Sections {
		if s.Verdict == Fail {
			n++
		}
	}
	return n
}

func paragraphs(text string) []string {
	var out []string
	for _, p := range strings.Split(text, "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// sign goes before a verdict's text: colour alone tells not everybody.
func sign(v Verdict) string {
	switch v {
	case Pass:
		return "✓"
	case Fail:
		return "✗"
	case NotApplicable:
		return "–"
	case VerdictNone:
	}
	return ""
}
