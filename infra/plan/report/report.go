// Package report writes a plan as text, JSON, Markdown or files.
package report

import (
	"encoding/json"
	"fmt"
	"io"

	"escala/infra/plan"
)

// The formats.
const (
	Text     = "text"
	JSON     = "json"
	Markdown = "markdown"
)

// Writer writes a plan in one format.
type Writer func(w io.Writer, p plan.Plan) error

// Format returns the writer of a format. every includes the content of all
// files in text and Markdown, not only of configuration files.
func Format(name string, every bool) (Writer, error) {
	switch name {
	case Text:
		return func(w io.Writer, p plan.Plan) error { return writeText(w, p, every) }, nil
	case JSON:
		return writeJSON, nil
	case Markdown:
		return func(w io.Writer, p plan.Plan) error { return writeMarkdown(w, p, every) }, nil
	default:
		return nil, fmt.Errorf("the format %q is not one of %s, %s and %s", name, Text, JSON, Markdown)
	}
}

func writeJSON(w io.Writer, p plan.Plan) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(p)
}
