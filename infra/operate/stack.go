// Package operate works on a stack without an update: it reports the state of the
// stack, and changes what needs no release. The stack's outputs and resources come
// from its state, and its settings from its file. The Pulumi program does not run.
//
// Each command of the command line is one small interface in this package. A target
// implements those that its platform supports, in a file operate.go beside its
// deploy.go, with the credentials of the operator. infra/operate/state opens a
// stack, infra/cli has the commands.
package operate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"escala/service"
	"escala/service/event"
)

// Stack is the knowledge about a stack from its file and its state.
type Stack struct {
	// Project is the name of the Pulumi project, Name that of the stack.
	Project, Name string
	// Target is the name of the stack's target.
	Target string
	// Root is the project's folder. State is its folder for files that remain
	// between updates, as in deploy.Request.
	Root, State string
	// SharedBackend means that the state is in the backend that Pulumi's command line is
	// logged in to, and not in the project's folder.
	SharedBackend bool
	// Spec is the service as the stack's file describes it now.
	Spec service.Spec
	// Outputs are the stack's outputs of its last update, without secret ones.
	Outputs map[string]any
	// Resources are the resources in the stack's state.
	Resources []Resource
	// Sealed is the reason why the secrets in Resources are missing, or nil.
	Sealed error
	// Config returns a value of the stack's configuration ("aws:region"), decrypted,
	// and whether it is set.
	Config func(ctx context.Context, key string) (value string, set bool, err error)
	// Updates returns the last operations on the stack since a time, the latest last,
	// at most limit.
	Updates func(ctx context.Context, since time.Time, limit int) ([]Update, error)
}

// Update is a past operation on the stack: an update, a refresh, ….
type Update struct {
	event.Event
	// Changes is the number of resources that it changed.
	Changes int
	// Drifted names the resources that a refresh found changed: "api-machine,
	// api-address". It is empty if that was not recorded.
	Drifted string
}

// Resource is a resource in a stack's state.
type Resource struct {
	URN, Type, Name, ID string
	// Inputs and Outputs are the resource's, secrets in clear text. Without the key of
	// the state's secrets, secrets are missing.
	Inputs, Outputs map[string]any
	// Provider is the name of the resource's provider resource. Component means that
	// the resource only groups others.
	Provider  string
	Component bool
	// Replaced means that a newer resource has replaced this one. It is not deleted
	// yet: after a failed update, it is the one that serves.
	Replaced bool
}

// ErrNothing is the error of a stack that has never been updated, or is destroyed.
var ErrNothing = errors.New("the stack has no resources; make up creates them")

// OfType returns the resources of a type, in the order of the state, without replaced
// ones.
func (s *Stack) OfType(kind string) []Resource {
	return slices.DeleteFunc(s.WithReplaced(kind), func(r Resource) bool { return r.Replaced })
}

// WithReplaced returns the resources of a type, including those that are replaced
// and not deleted yet.
func (s *Stack) WithReplaced(kind string) []Resource {
	var found []Resource
	for _, r := range s.Resources {
		if r.Type == kind {
			found = append(found, r)
		}
	}
	return found
}

// Find returns the resource of a type and a logical name.
func (s *Stack) Find(kind, name string) (Resource, error) {
	for _, r := range s.OfType(kind) {
		if r.Name == name {
			return r, nil
		}
	}
	return Resource{}, fmt.Errorf("the state of stack %s has no %s %q; make up creates it", s.Name, kind, name)
}

// Part returns the logical name of a part of the service, as
// deploy.Component.Name does.
func (s *Stack) Part(part string) string { return s.Spec.Name + "-" + part }

// Text returns an output that is a text, otherwise "".
func (s *Stack) Text(output string) string {
	text, _ := s.Outputs[output].(string)
	return text
}

// Text returns an output of the resource that is a text, otherwise "".
func (r Resource) Text(output string) string {
	text, _ := r.Outputs[output].(string)
	return text
}
