package service

import (
	"fmt"
	"strings"
)

// Violation is one error of a description.
type Violation struct {
	// Path is the key in the user's spelling: "service.workers.count".
	Path string
	// Problem describes the current value and what would be correct.
	Problem string
}

// Violations holds all errors of a description, in the order of its keys. They
// are reported together, so that the user can correct them all at once.
type Violations []Violation

// Error lists every violation on a line of its own.
func (v Violations) Error() string {
	var b strings.Builder
	for i, one := range v {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s: %s", one.Path, one.Problem)
	}
	return b.String()
}

// Add adds a violation.
func (v *Violations) Add(path, format string, args ...any) {
	*v = append(*v, Violation{Path: path, Problem: fmt.Sprintf(format, args...)})
}

// Under returns the violations with prefix before each path.
func (v Violations) Under(prefix string) Violations {
	out := make(Violations, len(v))
	for i, one := range v {
		out[i] = Violation{Path: prefix + "." + one.Path, Problem: one.Problem}
	}
	return out
}

// Err returns nil if there is no violation, so that an empty list does not
// count as an error.
func (v Violations) Err() error {
	if len(v) == 0 {
		return nil
	}
	return v
}
