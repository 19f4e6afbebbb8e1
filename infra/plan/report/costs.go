package report

import (
	"fmt"
	"slices"
	"strings"

	"escala/infra/plan"
	"escala/infra/plan/compare"
)

// amountWidth is the width of an amount: "1234.56 to 2345.67".
const amountWidth = 18

// costs returns one line for each item that is paid for, one line for the items that
// are free or part of others, and the sum.
func costs(c plan.Costs) []string {
	var lines []string
	kinds := map[plan.CostState][]string{}
	for _, line := range c.Lines {
		switch line.State {
		case plan.Free, plan.Included:
			kinds[line.State] = append(kinds[line.State], line.Part)
		default:
			lines = append(lines, costLine(line))
		}
	}
	for _, state := range []plan.CostState{plan.Free, plan.Included} {
		if parts := kinds[state]; len(parts) > 0 {
			slices.Sort(parts)
			for i, text := range strings.Split(wrapped(strings.Join(slices.Compact(parts), ", ")), "\n") {
				name := ""
				if i == 0 {
					name = string(state)
				}
				lines = append(lines, fmt.Sprintf("%*s  %s", amountWidth, name, text))
			}
		}
	}
	total := "in total"
	if c.Unpriced > 0 && c.High > 0 {
		total += ", without what is not priced"
	}
	return append(lines, fmt.Sprintf("%*s  %s", amountWidth, c.Sum(), total))
}

func costLine(line plan.Cost) string {
	amount := string(line.State)
	if line.State == plan.Priced {
		amount = plan.Dollars(line.Low, line.High)
	}
	text := fmt.Sprintf("%*s  %s: %s", amountWidth, amount, line.Name, line.Part)
	if line.Why != "" {
		text += " (" + line.Why + ")"
	}
	return text
}

// sum returns a stack's monthly costs, for a table.
func sum(c *plan.Costs) string {
	if c == nil {
		return ""
	}
	switch {
	case c.High == 0:
		return c.Sum()
	case c.Unpriced > 0:
		return fmt.Sprintf("%s $, %d not priced", c.Sum(), c.Unpriced)
	default:
		return c.Sum() + " $"
	}
}

// becomes returns the sums of both plans and their difference.
func becomes(c compare.Costs) string {
	text := fmt.Sprintf("%s becomes %s $ (%s)", plan.Dollars(c.Before.Low, c.Before.High), plan.Dollars(c.After.Low, c.After.High),
		signed(c.After.Low-c.Before.Low, c.After.High-c.Before.High))
	if c.After.Unpriced > 0 {
		text += ", without what is not priced"
	}
	return text
}

// signed returns a difference with its sign.
func signed(low, high float64) string {
	if fmt.Sprintf("%.2f", low) == fmt.Sprintf("%.2f", high) {
		return fmt.Sprintf("%+.2f", low)
	}
	return fmt.Sprintf("%+.2f to %+.2f", low, high)
}

func costChanges(c compare.Costs) []string {
	var lines []string
	for _, line := range c.Removed {
		lines = append(lines, signs[compare.Removed]+costLine(line))
	}
	for _, line := range c.Added {
		lines = append(lines, signs[compare.Added]+costLine(line))
	}
	return lines
}
