package plancmd

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"escala/infra/plan"
	"escala/infra/plan/prices"
	"escala/infra/plan/report"
)

func TestAPlanWithErrorsFails(t *testing.T) {
	write, err := report.Format(report.Text, false)
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, finish(&b, plan.New(plan.Stack{Findings: []plan.Finding{{Level: plan.Warning}, {Level: plan.Notice}}}), write))
	require.ErrorIs(t, finish(&b, plan.New(plan.Stack{Findings: []plan.Finding{{Level: plan.Error}}}), write), errFindings)
	require.ErrorIs(t, finish(&b, plan.New(plan.Stack{Error: "no"}), write), errFindings)
}

func TestABudgetIsAnAmount(t *testing.T) {
	for _, budget := range []prices.Budget{-1, prices.Budget(math.NaN())} {
		_, err := planStacks(t.Context(), t.TempDir(), "x", nil, budget)
		require.ErrorContains(t, err, "is not an amount of dollars a month")
	}
}
