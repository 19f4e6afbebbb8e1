package plan

import (
	"cmp"
	"slices"
)

// Level says how bad a finding is.
type Level string

// The levels. An error fails the plan.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Notice  Level = "notice"
)

// Finding is something about a stack that a person should know.
type Finding struct {
	Level Level `json:"level"`
	// Where is the resource, the file or the key.
	Where string `json:"where"`
	// What is the case, and Right what would be right; a notice has none.
	What  string `json:"what"`
	Right string `json:"right,omitempty"`
}

var rank = map[Level]int{Error: 0, Warning: 1, Notice: 2}

// SortFindings puts the worst first, and keeps the order otherwise.
func SortFindings(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(rank[a.Level], rank[b.Level]) })
}

// Count is how many findings of a level the plan has. A stack without a preview
// is an error.
func (p Plan) Count(level Level) int {
	n := 0
	for _, s := range p.Stacks {
		if s.Error != "" && level == Error {
			n++
		}
		for _, f := range s.Findings {
			if f.Level == level {
				n++
			}
		}
	}
	return n
}
