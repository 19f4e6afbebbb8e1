package gate

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service/machine"
)

// TestWaitTakesNoRefusalOfAnEarlierUpdate checks that a refusal of an earlier
// update does not count, whatever the machine reports about another try: it has not
// yet seen this update.
func TestWaitTakesNoRefusalOfAnEarlierUpdate(t *testing.T) {
	const reason = "release is refused: its release command ends with status 3"
	before := machine.Status{Phase: machine.Refused, Wanted: wanted, RequestedAt: 1, Current: older, Reason: reason, Checked: 1000, Refused: 999, Workers: workers(older, older)}
	again := before
	again.RequestedAt = 2
	serving := machine.Status{Phase: machine.Serving, Wanted: wanted, RequestedAt: 2, Current: wanted, Workers: workers(wanted, wanted)}
	wait := func(statuses ...machine.Status) error {
		server := httptest.NewServer(&endpoint{statuses: statuses, health: healthy(wanted)})
		defer server.Close()
		g := Gate{URL: server.URL, HealthPath: "/health", Timeout: 20 * time.Second, Poll: time.Millisecond}
		return g.Wait(t.Context(), Want{Release: wanted, RequestedAt: 2, Workers: 2})
	}
	require.NoError(t, wait(before, before, serving))
	require.ErrorContains(t, wait(before, before, again), reason)
}

// TestARefusalHasTheLastLinesOfTheRelease checks that the failure has the release's
// output. Only the release store has it, not the machine's public answer.
func TestARefusalHasTheLastLinesOfTheRelease(t *testing.T) {
	refused := machine.Status{Phase: machine.Refused, Wanted: wanted, RequestedAt: 2, Current: older, Reason: "no", Workers: workers(older, older)}
	server := httptest.NewServer(&endpoint{statuses: []machine.Status{refused}, health: healthy(older)})
	defer server.Close()
	reads := 0
	g := Gate{URL: server.URL, HealthPath: "/health", Timeout: 20 * time.Second, Poll: time.Millisecond, Stored: func(context.Context) (machine.Status, error) {
		status := refused
		if reads++; reads < 3 {
			status.Phase, status.RequestedAt = machine.Serving, 1 // the refusal is not written yet
		}
		status.Output = "migrating\nthe table is locked\n"
		return status, nil
	}}
	err := g.Wait(t.Context(), Want{Release: wanted, RequestedAt: 2, Workers: 2})
	require.ErrorContains(t, err, "its last lines:\n  migrating\n  the table is locked")
	assert.Equal(t, 3, reads)

	g.Diagnose = func(context.Context) string { return "the agent refused a release:\n  the table is locked" }
	err = g.Wait(t.Context(), Want{Release: wanted, RequestedAt: 2, Workers: 2})
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "its last lines", "they are there already")
}
