package prices

import (
	"fmt"
	"strings"
	"time"

	"escala/infra/plan"
)

// old is the age at which a price becomes a finding.
const old = 90 * 24 * time.Hour

// where names the costs in findings.
const where = "costs"

// Budget is the most that a stack may cost a month, in US dollars. Zero means no
// budget.
type Budget float64

// Findings judges costs on a day. A budget that a stack may exceed is an error.
// With a budget, prices that are old or missing are warnings: the sum may be wrong.
func Findings(c plan.Costs, budget Budget, today time.Time) []plan.Finding {
	level := plan.Notice
	if budget > 0 {
		level = plan.Warning
	}
	var found []plan.Finding
	if budget > 0 && c.High > float64(budget) {
		found = append(found, plan.Finding{
			Level: plan.Error, Where: where,
			What:  fmt.Sprintf("a month costs %s $, and the budget is %s $", plan.Dollars(c.Low, c.High), plan.Dollars(float64(budget), float64(budget))),
			Right: "less, or a higher BUDGET",
		})
	}
	if c.Unpriced > 0 {
		var parts []string
		for _, line := range c.Lines {
			if line.State == plan.NotPriced {
				parts = append(parts, line.Name+" ("+line.Part+"): "+line.Why)
			}
		}
		found = append(found, plan.Finding{
			Level: level, Where: where,
			What:  "not priced, and not in the sum: " + strings.Join(parts, "; "),
			Right: expected(level, "an entry with its source in infra/plan/prices/prices.yaml"),
		})
	}
	if stale, total, oldest := aged(c, today); stale > 0 {
		found = append(found, plan.Finding{
			Level: level, Where: where,
			What:  fmt.Sprintf("%d of %d prices are older than 90 days or have no day%s", stale, total, oldest),
			Right: expected(level, "prices of infra/plan/prices/prices.yaml that are read anew"),
		})
	}
	return found
}

// expected returns the expected value of a finding. A notice has none.
func expected(level plan.Level, value string) string {
	if level == plan.Notice {
		return ""
	}
	return value
}

// aged counts the prices that a stack uses, and those of them that are too old.
func aged(c plan.Costs, today time.Time) (stale, total int, oldest string) {
	seen := map[string]bool{}
	var first time.Time
	var name string
	for _, line := range c.Lines {
		if line.Price == nil || seen[line.Price.Item] {
			continue
		}
		seen[line.Price.Item] = true
		total++
		day, err := time.Parse(time.DateOnly, line.Price.Date)
		if err == nil && today.Sub(day) <= old {
			continue
		}
		stale++
		if err == nil && (first.IsZero() || day.Before(first)) {
			first, name = day, line.Price.Item
		}
	}
	if !first.IsZero() {
		oldest = fmt.Sprintf("; the oldest is %s of %s", name, first.Format(time.DateOnly))
	}
	return stale, total, oldest
}
