package local_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/conformance"
	"escala/infra/testing/conformance/local"
	"escala/infra/workspace"
)

// TestFaultsOnAMachine runs the checks of the faults that a machine meets in normal
// operation and of clients that harm others. `make conformance TARGET=local` runs
// all checks.
func TestFaultsOnAMachine(t *testing.T) {
	if os.Getenv("ESCALA_TEST") != "faults" {
		t.Skip("takes five minutes on a machine; ESCALA_TEST=faults runs it, and the weekly suite")
	}
	root, err := workspace.Root()
	require.NoError(t, err)
	o := conformance.NewOptions()
	o.Counts.Only = regexp.MustCompile(`^(often-|redis-hangs|log-hangs|port-taken|inodes-full|upgrade-|two-operators|slow-readers|claims|many-)`)
	o.Progress = func(line string) { t.Log(line) }
	result, err := conformance.Run(t.Context(), local.New(root), o)
	require.NoError(t, err)
	assert.Empty(t, result.Missed())
	assert.Len(t, result.Outcomes, 13)
	for _, outcome := range result.Outcomes {
		assert.Empty(t, outcome.NotApplicable, outcome.ID)
	}
	if overloaded := result.Overloaded(); len(overloaded) > 0 && !t.Failed() {
		t.Skipf("the computer was too busy for %s", strings.Join(overloaded, ", "))
	}
}
