package preview

import (
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// eventLog holds the engine's reports during a preview.
type eventLog struct {
	// resources lists the resources that an update would create, in the engine's
	// order, components included.
	resources []apitype.StepEventStateMetadata
	// outputs holds the stack's outputs.
	outputs map[string]any
	// errors lists the errors of the program and of the engine.
	errors []string
}

const (
	stackType = "pulumi:pulumi:Stack"
	// ownType is the type of the provider through which the program reads its own
	// outputs.
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
		message := strings.TrimSpace(colors.ReplaceAllString(e.DiagnosticEvent.Message, ""))
		if message != "" {
			l.errors = append(l.errors, message)
		}
	}
}

// colors matches the engine's color marks and terminal sequences.
var colors = regexp.MustCompile(`<\{%[^%]*%\}>|\x1b\[[0-9;]*m`)
