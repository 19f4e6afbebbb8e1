package prices

import (
	"fmt"
	"slices"
	"strings"

	"escala/infra/plan"
	"escala/infra/plan/values"
)

// rule prices the resources of one type.
type rule func(c *count, r plan.Resource)

// rules maps a resource type to its rule.
var rules = join(awsRules, digitalOceanRules, clusterRules)

// free are the prefixes of types without a cloud: the engine's, random values, and
// what runs on this computer.
var free = []string{"pulumi:", "random:", "escala:"}

// count collects the costs of a stack.
type count struct {
	table Table
	stack plan.Stack
	// regions has the region of each provider resource, by its name.
	regions map[string]string
	// once holds the items that a stack, or an account, pays once.
	once  map[string]bool
	costs plan.Costs
}

// Stack returns the monthly costs of a planned stack.
func (t Table) Stack(s plan.Stack) plan.Costs {
	c := &count{table: t, stack: s, regions: map[string]string{}, once: map[string]bool{}}
	for _, r := range s.Resources {
		if name, is := strings.CutPrefix(r.Type, "pulumi:providers:"); is && name != "" {
			c.regions[r.Name] = values.Text(inputs(r), "region")
		}
	}
	for _, r := range s.Resources {
		if r.Component {
			continue
		}
		switch price, known := rules[r.Type]; {
		case r.Type == "pulumi:providers:kubernetes" && !c.has(eksType) && !c.has(doksType):
			c.add(r, plan.Cost{Part: "your cluster", State: plan.NotPriced, Why: "it is not of this stack, and costs what it did before"})
		case known:
			price(c, r)
		case slices.ContainsFunc(free, func(begin string) bool { return strings.HasPrefix(r.Type, begin) }):
		case strings.HasPrefix(r.Type, "kubernetes:"):
			c.included(r)
		default:
			c.add(r, plan.Cost{Part: kind(r), State: plan.NotPriced, Why: "the type " + r.Type + " has no rule"})
		}
	}
	for _, line := range c.costs.Lines {
		c.costs.Low += line.Low
		c.costs.High += line.High
		if line.State == plan.NotPriced {
			c.costs.Unpriced++
		}
	}
	c.costs.Low, c.costs.High = cents(c.costs.Low), cents(c.costs.High)
	return c.costs
}

// add adds a line about a resource.
func (c *count) add(r plan.Resource, line plan.Cost) {
	line.Resource, line.Name = r.URN, r.Name
	line.Low, line.High = cents(line.Low), cents(line.High)
	c.costs.Lines = append(c.costs.Lines, line)
}

// included adds a resource that is part of another.
func (c *count) included(r plan.Resource) {
	c.add(r, plan.Cost{Part: kind(r), State: plan.Included})
}

// byUse adds a resource whose cost depends on its use.
func (c *count) byUse(r plan.Resource, part, why string) {
	c.add(r, plan.Cost{Part: part, State: plan.ByUse, Why: why})
}

// amount is a number of units of an item.
type amount struct {
	low, high float64
	why       string
}

// exactly returns an amount that does not scale.
func exactly(n float64) amount { return amount{low: n, high: n} }

// item adds an amount of an item of the table, in a region.
func (c *count) item(r plan.Resource, part, item, region string, n amount) {
	line := plan.Cost{Part: part, Why: n.why}
	price, known := c.table.price(item, region)
	switch {
	case !known:
		line.State = plan.NotPriced
		line.Why = fmt.Sprintf("%s has no price in region %q", item, region)
	case price.Unit == "":
		line.State, line.Price = plan.Free, &price
	default:
		line.State, line.Price = plan.Priced, &price
		line.Low, line.High = monthly(price)*n.low, monthly(price)*n.high
	}
	c.add(r, line)
}

// first reports whether this is the first time that an item occurs in a stack.
func (c *count) first(item string) bool {
	if c.once[item] {
		return false
	}
	c.once[item] = true
	return true
}

// region returns the region of a resource: its own, or that of its provider.
func (c *count) region(r plan.Resource) string {
	if own := values.Text(inputs(r), "region"); own != "" {
		return own
	}
	return c.regions[r.Provider]
}

// has reports whether the stack has a resource of a type.
func (c *count) has(kind string) bool {
	return slices.ContainsFunc(c.stack.Resources, func(r plan.Resource) bool { return r.Type == kind })
}

// kind returns the last part of a resource's type: "Subnet".
func kind(r plan.Resource) string { return r.Type[strings.LastIndexByte(r.Type, ':')+1:] }

// cents rounds to a hundredth.
func cents(v float64) float64 { return float64(int64(v*100+0.5)) / 100 }

func join(all ...map[string]rule) map[string]rule {
	joined := map[string]rule{}
	for _, rules := range all {
		for kind, one := range rules {
			joined[kind] = one
		}
	}
	return joined
}
