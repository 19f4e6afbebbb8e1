package preview

import (
	"regexp"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/events"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
)

// said is what the engine told while it previewed.
type said struct {
	// resources are those that it would create, in its order, components too.
	resources []apitype.StepEventStateMetadata
	// outputs are the stack's.
	outputs map[string]any
	// errors are the program's and the engine's.
	errors []string

	done chan struct{}
}

// listen collects what comes through the channel that it returns.
func listen() (*said, chan<- events.EngineEvent) {
	s := &said{done: make(chan struct{})}
	stream := make(chan events.EngineEvent)
	go func() {
		defer close(s.done)
		for e := range stream {
			s.hear(e)
		}
	}()
	return s, stream
}

// wait returns when all is heard. An engine that failed early never closes the
// channel.
func (s *said) wait() bool {
	select {
	case <-s.done:
		return true
	case <-time.After(5 * time.Second):
		return false
	}
}

const (
	stackType = "pulumi:pulumi:Stack"
	// ownType is the provider with which the program reads its own outputs.
	ownType = "pulumi:providers:pulumi"
)

func (s *said) hear(e events.EngineEvent) {
	switch {
	case e.ResourcePreEvent != nil:
		m := e.ResourcePreEvent.Metadata
		if m.Op == apitype.OpCreate && m.New != nil {
			s.resources = append(s.resources, *m.New)
		}
	case e.ResOutputsEvent != nil:
		m := e.ResOutputsEvent.Metadata
		if m.Type == stackType && m.New != nil {
			s.outputs = m.New.Outputs
		}
	case e.DiagnosticEvent != nil && e.DiagnosticEvent.Severity == "error":
		message := wrapping.ReplaceAllString(colors.ReplaceAllString(e.DiagnosticEvent.Message, ""), "")
		if message = strings.TrimSpace(message); message != "" {
			s.errors = append(s.errors, message)
		}
	}
}

// colors are the engine's marks for a terminal.
var colors = regexp.MustCompile(`<\{%[^%]*%\}>|\x1b\[[0-9;]*m`)

// wrapping is what the SDK puts before a program's one error.
var wrapping = regexp.MustCompile(`(an unhandled error occurred: )?(program failed: )?\n?1 error occurred:\n\t\* `)
