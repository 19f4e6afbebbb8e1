// Package report shows a plan: to people, to machines, in a pull request, and as
// files.
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

// Writer shows a plan.
type Writer func(w io.Writer, p plan.Plan) error

// Format is the writer of a format. every shows the content of every file to
// people, and not only of the configuration.
func Format(name string, every bool) (Writer, error) {
	switch name {
	case Text:
		return func(w io.Writer, p plan.Plan) error { return writeText(w, p, every) }, nil
	case JSON:
		return writeJSON, nil
	case Markdown:
		return func(w io.Writer, p plan.Plan) error { return writeMarkdown(w, p, every) }, nil
	default:
		return nil, fmt.Errorf("the format %q is none of %s, %s and %s", name, Text, JSON, Markdown)
	}
}

func writeJSON(w io.Writer, p plan.Plan) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(p)
}
