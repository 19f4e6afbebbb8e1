package compare

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/plan"
)

func costing(lines ...plan.Cost) plan.Stack {
	c := plan.Costs{Lines: lines}
	for _, line := range lines {
		c.Low, c.High = c.Low+line.Low, c.High+line.High
	}
	return plan.Stack{Name: "a", Costs: &c}
}

func TestWhatAChangeCosts(t *testing.T) {
	small := plan.Cost{Resource: "u1", Name: "machine", Part: "small", State: plan.Priced, Low: 10, High: 10, Price: &plan.Price{Date: "2026-01-01"}}
	large := plan.Cost{Resource: "u1", Name: "machine", Part: "large", State: plan.Priced, Low: 20, High: 40}
	free := plan.Cost{Resource: "u2", Name: "net", Part: "network", State: plan.Free}
	disk := plan.Cost{Resource: "u1", Name: "machine", Part: "disk", State: plan.Priced, Low: 1, High: 1}

	d, err := Plans(t.Context(), "base", plan.New(costing(small, disk)), plan.New(costing(large, disk, free)))
	require.NoError(t, err)
	require.Len(t, d.Stacks, 1)
	assert.Equal(t, &Costs{Before: Sum{Low: 11, High: 11}, After: Sum{Low: 21, High: 41}, Removed: []plan.Cost{small}, Added: []plan.Cost{large}}, d.Stacks[0].Costs)

	later := small
	later.Price = &plan.Price{Date: "2026-02-02"}
	for name, pair := range map[string][2]plan.Stack{
		"the same":                           {costing(small), costing(small)},
		"something free more":                {costing(small), costing(small, free)},
		"a price that was read again":        {costing(small), costing(later)},
		"a base that does not know of costs": {{Name: "a"}, costing(small)},
	} {
		d, err := Plans(t.Context(), "base", plan.New(pair[0]), plan.New(pair[1]))
		require.NoError(t, err)
		assert.Empty(t, d.Stacks, name)
	}

	d, err = Plans(t.Context(), "base", plan.New(), plan.New(costing(small)))
	require.NoError(t, err)
	assert.Equal(t, &Costs{After: Sum{Low: 10, High: 10}, Added: []plan.Cost{small}}, d.Stacks[0].Costs, "a new stack")
}
