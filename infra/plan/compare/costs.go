package compare

import (
	"slices"

	"escala/infra/plan"
)

// Costs holds the changes of a stack's monthly costs.
type Costs struct {
	// Before and After are the sums of both plans.
	Before Sum `json:"before"`
	After  Sum `json:"after"`
	// Removed and Added are the lines that only one of the plans has. Lines that
	// cost nothing are left out.
	Removed []plan.Cost `json:"removed,omitempty"`
	Added   []plan.Cost `json:"added,omitempty"`
}

// Sum is the sum of a stack's known prices, in US dollars a month.
type Sum struct {
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	Unpriced int     `json:"unpriced,omitempty"`
}

// costs compares the costs of a stack. It returns nil for a changed stack if one of
// the plans has no costs.
func costs(before, after *plan.Costs, change Change) *Costs {
	if change == Changed && (before == nil || after == nil) || before == nil && after == nil {
		return nil
	}
	c := Costs{Before: sum(before), After: sum(after)}
	olds, news := charged(before), charged(after)
	c.Removed = without(olds, news)
	c.Added = without(news, olds)
	if len(c.Removed)+len(c.Added) == 0 {
		return nil
	}
	return &c
}

func sum(c *plan.Costs) Sum {
	if c == nil {
		return Sum{}
	}
	return Sum{Low: c.Low, High: c.High, Unpriced: c.Unpriced}
}

// charged returns the lines that cost something, or may cost something.
func charged(c *plan.Costs) []plan.Cost {
	if c == nil {
		return nil
	}
	var lines []plan.Cost
	for _, line := range c.Lines {
		if line.State != plan.Free && line.State != plan.Included {
			lines = append(lines, line)
		}
	}
	return lines
}

// without returns the lines that others do not have at the same price.
func without(lines, others []plan.Cost) []plan.Cost {
	return slices.DeleteFunc(slices.Clone(lines), func(a plan.Cost) bool {
		return slices.ContainsFunc(others, func(b plan.Cost) bool {
			return a.Resource == b.Resource && a.Part == b.Part && a.State == b.State && a.Low == b.Low && a.High == b.High
		})
	})
}
