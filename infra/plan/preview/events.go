package preview

import (
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// eventLog is what the engine reported while it previewed.
type eventLog struct {
	// resources are those that it would create, in its order, components too.
	resources []apitype.StepEventStateMetadata
	// outputs are the stack's.
	outputs map[string]any
	// errors are the program's and the engine's.
	errors []string
}

const (
	stackType = "pulumi:pulumi:Stack"
	// ownType is the provider with which the program reads its own outputs.
	ownType = "pulumi:providers:pulumi"
)

func (l *eventLog) add(e apitype.EngineEvent) {
	switch {
	case e.ResourcePreEvent != nil:
		m := e.ResourcePreEvent.Metadata
		if m.Op == apitype.OpCreate && m.New != nil {
			l.resources = append(l.resources, *m.New)
		}
	case e.ResOutputsEvent != nil:
		m := e.ResOutputsEvent.Metadata
		if m.Type == stackType && m.New != nil {
			l.outputs = m.New.Outputs
		}
	case e.DiagnosticEvent != nil && e.DiagnosticEvent.Severity == "error":
		message := wrapping.ReplaceAllString(colors.ReplaceAllString(e.DiagnosticEvent.Message, ""), "")
		if message = strings.TrimSpace(message); message != "" {
			l.errors = append(l.errors, message)
		}
	}
}

// colors are the engine's marks for a terminal.
var colors = regexp.MustCompile(`<\{%[^%]*%\}>|\x1b\[[0-9;]*m`)

// wrapping is what the SDK puts before a program's one error.
var wrapping = regexp.MustCompile(`(an unhandled error occurred: )?(program failed: )?\n?1 error occurred:\n\t\* `)
