package cli

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"escala/infra/engine"
	"escala/infra/operate"
	"escala/infra/operate/origin"
)

// lastError records the last error that an operation showed, for the stack's
// history.
type lastError struct{ text string }

// marks are the engine's marks of colors in messages, and terminal sequences.
var marks = regexp.MustCompile(`<\{%[^%]*%\}>|\x1b\[[0-9;]*m`)

// wrapping matches the text that the SDK puts before the reason of a program's
// failure.
var wrapping = regexp.MustCompile(`^(an unhandled error occurred: |program failed: |waiting for RPCs: |marshaling properties: |awaiting input property "[^"]*": |1 error occurred:\s*\* |\s+)*`)

func (l *lastError) record(e apitype.EngineEvent) {
	d := e.DiagnosticEvent
	if d == nil || d.Severity != "error" {
		return
	}
	text := wrapping.ReplaceAllString(marks.ReplaceAllString(d.Message, ""), "")
	text = firstReason(text)
	// The engine closes with "update failed", which gives no reason.
	if text = operate.Plain(text); text != "" && strings.TrimSuffix(text, ".") != "update failed" {
		l.text = text
	}
}

// annotate returns the notes about an operation's result for the history.
func (l *lastError) annotate(outputs map[string]engine.Output, failed error) map[string]string {
	notes := map[string]string{}
	if failed != nil {
		notes[origin.Reason] = l.reason(failed)
		return notes
	}
	if release, _ := outputs["release"].Value.(string); release != "" {
		notes[origin.Release] = release
	}
	return notes
}

// reason returns the reason why an operation failed.
func (l *lastError) reason(failed error) string {
	return cmp.Or(l.text, operate.Plain(failed.Error()))
}

// firstReason returns the first line of a message: further lines are the report of a
// machine or a cluster. A line that ends with a colon announces a list of reasons.
func firstReason(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if !strings.HasSuffix(lines[0], ":") || len(lines) == 1 {
		return lines[0]
	}
	first := lines[0] + " " + strings.TrimSpace(lines[1])
	if more := len(lines) - 2; more > 0 {
		first += fmt.Sprintf(" (and %d more)", more)
	}
	return first
}
