package report

import "fmt"

// comparison is Bars with the widths computed.
type comparison struct {
	Unit, Better string
	Bars         []comparedBar
}

type comparedBar struct {
	Label, Role, Text string
	// Percent of the longest.
	Percent string
}

func compare(b Bars) comparison {
	longest := 0.0
	for _, one := range b.Bars {
		longest = max(longest, one.Value)
	}
	c := comparison{Unit: b.Unit, Better: b.Better}
	for _, one := range b.Bars {
		share := 0.0
		if longest > 0 {
			share = one.Value / longest
		}
		text := one.Text
		if text == "" {
			text = compact(one.Value)
		}
		c.Bars = append(c.Bars, comparedBar{Label: one.Label, Role: string(one.Role), Text: text, Percent: fmt.Sprintf("%.2f", 100*share)})
	}
	return c
}
