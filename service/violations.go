package service

import (
	"fmt"
	"strings"
)

// Violation is one thing that is wrong with a description.
type Violation struct {
	// Path is the key, as the user wrote it: "service.workers.count".
	Path string
	// Problem says what is there and what would be right.
	Problem string
}

// Violations are all that is wrong with a description, in the order of its
// keys. They are reported together, so that a file is mended in one go.
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

// Add notes a violation.
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

// Err is nil when there is no violation, so that an empty list is not mistaken
// for an error.
func (v Violations) Err() error {
	if len(v) == 0 {
		return nil
	}
	return v
}
