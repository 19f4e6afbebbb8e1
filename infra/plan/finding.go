package plan

import (
	"cmp"
	"slices"
)

// Level is the severity of a finding.
type Level string

// An error fails the plan.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Notice  Level = "notice"
)

// Finding is a problem or a fact that a person should know about a stack.
type Finding struct {
	Level Level `json:"level"`
	// Where names the resource, the file or the configuration key.
	Where string `json:"where"`
	// What states the finding. Right states the right value; a notice has none.
	What  string `json:"what"`
	Right string `json:"right,omitempty"`
}

var rank = map[Level]int{Error: 0, Warning: 1, Notice: 2}

// SortFindings sorts by severity, errors first, and otherwise keeps the order.
func SortFindings(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(rank[a.Level], rank[b.Level]) })
}

// Count returns the number of findings of a level. A stack that cannot be
// previewed counts as an error.
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
