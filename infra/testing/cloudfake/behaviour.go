// Package cloudfake simulates clouds that disagree with the program. It adds to the
// offline providers the behaviours of a real account that the clouds' documents,
// their providers' sources and their users describe: a name that is taken is
// refused, a network in use cannot be deleted, a read differs from what was sent.
//
// Each behaviour is one entry of a table (aws.go, digitalocean.go, kubernetes.go)
// with its source and the test that meets it. docs/fidelity.md is generated from
// the tables. A test compares the page with them, and rewrites it with -update.
package cloudfake

import "escala/infra/engine/offline"

// Behaviour is one behaviour of a cloud that the offline providers lack.
type Behaviour struct {
	// Name identifies the behaviour, in lower case with hyphens.
	Name string
	// Does is a sentence about what the cloud does, for docs/fidelity.md.
	Does string
	// Source is a document, an issue or a file of the provider's source.
	Source string
	// Types are its resource types. If it is empty, the behaviour concerns no
	// operation on a resource, and other code calls Account.CountOccurrence.
	Types []string
	// Test is the name of the test function that needs the behaviour. Its body
	// mentions Name.
	Test string

	// Before runs before an operation takes effect. Its error is the cloud's
	// answer. Optional.
	Before func(*offline.Event) error
	// After runs after an operation took effect, and changes the outputs.
	// It reports whether it changed anything. Optional.
	After func(*offline.Event) bool
}

// appliesTo reports whether the behaviour is about resources of a type.
func (b Behaviour) appliesTo(kind string) bool {
	for _, t := range b.Types {
		if t == kind {
			return true
		}
	}
	return false
}
