package preview

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/stackfile"
	"escala/infra/plan"
	"escala/infra/plan/prices"
	"escala/infra/targets"
	"escala/infra/workspace"
)

var update = flag.Bool("update", false, "write docs/costs.md anew")

// TestCosts checks docs/costs.md and the READMEs' prices against the plans of the
// stacks in the repository.
func TestCosts(t *testing.T) {
	if testing.Short() {
		t.Skip("runs Pulumi's engine")
	}
	root, err := workspace.Root()
	require.NoError(t, err)
	table, err := prices.Load()
	require.NoError(t, err)
	names, err := stackfile.Stacks(root)
	require.NoError(t, err)
	var stacks []plan.Stack
	costs := map[string]plan.Costs{}
	for _, name := range names {
		s, _, err := Stack(t.Context(), Options{Root: root, Stack: name, Targets: targets.All})
		require.NoError(t, err)
		require.Empty(t, s.Error, name)
		of := table.Stack(s)
		for _, line := range of.Lines {
			assert.NotContains(t, line.Why, "has no rule", "%s: every type that the stacks make is known", name)
		}
		s.Costs = &of
		stacks, costs[name] = append(stacks, s), of
	}
	want, err := prices.Page(stacks)
	require.NoError(t, err)
	page := filepath.Join(root, "docs", "costs.md")
	if *update {
		require.NoError(t, os.WriteFile(page, want, 0o644))
	}
	got, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "go test ./infra/plan/preview -run TestCosts -update")

	assert.Zero(t, costs["local"].High, "this computer")
	assert.Equal(t, 1, costs["aws-eks"].Unpriced, "its nodes")
	for _, readme := range []struct{ page, to, nodes string }{{"README.md", "to", "and its nodes"}, {"README.es.md", "a", "y sus nodos"}} {
		content, err := os.ReadFile(filepath.Join(root, readme.page))
		require.NoError(t, err)
		var prices []string
		for cell := range strings.SplitSeq(string(content), " | ") {
			if cell, _, last := strings.Cut(cell, " |\n"); last && strings.Contains(cell, "$") {
				prices = append(prices, cell)
			}
		}
		for _, cell := range []string{
			fmt.Sprintf("%.0f $, %.0f $", costs["do-droplet"].High, costs["aws-ec2"].High),
			fmt.Sprintf("%.0f %s %.0f $, %.0f $ %s", costs["do-doks"].Low, readme.to, costs["do-doks"].High, costs["aws-eks"].High, readme.nodes),
		} {
			assert.Contains(t, prices, cell, readme.page)
		}
	}
}
