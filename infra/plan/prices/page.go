package prices

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"escala/infra/plan"
)

//go:embed page.md.tmpl
var page string

// pageStack is a stack of the page.
type pageStack struct {
	Name  string
	Sum   string
	Costs plan.Costs
	Rows  []pageRow
	// Free are the parts that cost nothing.
	Free []string
}

type pageRow struct{ Resource, Part, Amount, From string }

// Page returns the page of the stacks' costs, in Markdown. The stacks must have
// costs.
func Page(stacks []plan.Stack) ([]byte, error) {
	var all []pageStack
	var sources []string
	from := func(p *plan.Price) string {
		if p == nil {
			return ""
		}
		source := source(*p)
		if !slices.Contains(sources, source) {
			sources = append(sources, source)
		}
		return strconv.Itoa(slices.Index(sources, source) + 1)
	}
	for _, s := range stacks {
		if s.Costs == nil {
			return nil, fmt.Errorf("stack %s has no costs: %s", s.Name, s.Error)
		}
		one := pageStack{Name: s.Name, Sum: s.Costs.Sum(), Costs: *s.Costs}
		for _, line := range s.Costs.Lines {
			row := pageRow{Resource: line.Name, Part: line.Part, Amount: string(line.State)}
			switch line.State {
			case plan.Included:
				continue
			case plan.Free:
				one.Free = append(one.Free, fmt.Sprintf("%s (%s)", line.Part, from(line.Price)))
				continue
			case plan.Priced:
				row.Amount, row.From = plan.Dollars(line.Low, line.High), from(line.Price)
			}
			if line.Why != "" {
				row.Part += ": " + line.Why
			}
			one.Rows = append(one.Rows, row)
		}
		slices.Sort(one.Free)
		one.Free = slices.Compact(one.Free)
		all = append(all, one)
	}
	tmpl, err := template.New("costs").Funcs(template.FuncMap{
		"join": strings.Join,
		"add":  func(a, b int) int { return a + b },
		"cell": func(text string) string { return strings.ReplaceAll(text, "|", "\\|") },
	}).Parse(page)
	if err != nil {
		return nil, fmt.Errorf("reading the page's template: %w", err)
	}
	var b bytes.Buffer
	err = tmpl.Execute(&b, map[string]any{"Stacks": all, "Sources": sources, "Note": plan.CostNote})
	return b.Bytes(), err
}

// source describes the source of a price, for the page's list.
func source(p plan.Price) string {
	region := "every region"
	if p.Region != everywhere {
		region = p.Region
	}
	day := "no day known"
	if p.Date != "" {
		day = "read on " + p.Date
	}
	text := fmt.Sprintf("<%s>, %s, %s", p.Source, region, day)
	if p.Via != "" {
		text += ", by way of " + p.Via
	}
	return text
}
