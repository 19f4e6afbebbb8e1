package cli

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/deploy"
	"escala/infra/engine"
	"escala/infra/operate"
	"escala/infra/operate/origin"
)

// target is a target with a given status.
type target struct {
	deploy.Target
	status operate.Status
	err    error
}

func (target) Name() string { return "test" }

func (t target) Status(context.Context, *operate.Stack) (operate.Status, error) {
	return t.status, t.err
}

// noOperations is a target that implements no command.
type noOperations struct{ deploy.Target }

func (noOperations) Name() string { return "silent" }

func TestStatusExits(t *testing.T) {
	served := operate.Status{Stack: "escala/x", Instances: []operate.Instance{{Name: "0", Ready: true}}}
	failing := served
	failing.Problems = []string{"worker 1 is not ready"}
	for name, tt := range map[string]struct {
		target deploy.Target
		status int
	}{
		"well":             {target{status: served}, 0},
		"unwell":           {target{status: failing}, 2},
		"nothing is known": {target{}, 2},
		"error":            {target{err: errors.New("x")}, 1},
		"no way":           {noOperations{}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			for _, asJSON := range []bool{false, true} {
				var out printed
				err := showStatus(t.Context(), &out, &operate.Stack{Name: "x"}, tt.target, asJSON)
				shown := new(statusError)
				switch {
				case tt.status == 0:
					require.NoError(t, err)
				case errors.As(err, &shown):
					assert.Equal(t, tt.status, shown.status)
				default:
					require.Error(t, err)
					assert.Equal(t, 1, tt.status)
				}
				if tt.status != 1 && asJSON {
					var read operate.Status
					require.NoError(t, json.Unmarshal(out, &read))
					assert.Equal(t, tt.status == 0, read.Well)
				}
			}
		})
	}
}

type printed []byte

func (p *printed) Write(b []byte) (int, error) {
	*p = append(*p, b...)
	return len(b), nil
}

// TestStatusRecallsTheLastUpdate checks that a failed update is a problem until
// another one succeeds.
func TestStatusRecallsTheLastUpdate(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	of := func(kind, result string, ago time.Duration) operate.Update {
		u := operate.Update{Changes: 3}
		u.Time, u.Kind, u.Result, u.Text = now.Add(-ago), "up", result, "it exits at start"
		if kind == "refresh" {
			u.Kind = "refresh"
		}
		return u
	}
	updates := []operate.Update{of("refresh", "succeeded", 3*time.Hour), of("up", "succeeded", 2*time.Hour), of("up", "failed", time.Hour)}
	s := &operate.Stack{Updates: func(context.Context, time.Time, int) ([]operate.Update, error) { return updates, nil }}
	status := operate.Begin(s, now)
	status.Recall(t.Context(), s)
	assert.Equal(t, []string{"the last update failed 1 h ago: it exits at start"}, status.Problems)
	assert.Equal(t, 3, status.Drift.Changes)
	updates = append(updates, of("up", "succeeded", time.Minute))
	status = operate.Begin(s, now)
	status.Recall(t.Context(), s)
	assert.Empty(t, status.Problems)
	s.Updates = func(context.Context, time.Time, int) ([]operate.Update, error) { return nil, errors.New("away") }
	status.Recall(t.Context(), s)
	assert.Equal(t, []string{"the last updates: away"}, status.Unknown)
}

func TestSinceTime(t *testing.T) {
	now := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"30m": now.Add(-30 * time.Minute), "12h": now.Add(-12 * time.Hour), "7d": now.AddDate(0, 0, -7),
		"2026-11-01": time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), "2026-11-01T02:00:00Z": time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC),
	} {
		got, err := sinceTime(text, now)
		require.NoError(t, err, text)
		assert.True(t, want.Equal(got), text)
	}
	for _, text := range []string{"yesterday", "-1h", "-1d", "d", "99999999d"} {
		_, err := sinceTime(text, now)
		require.ErrorContains(t, err, "is no time", text)
	}
}

func TestTheHistoryHasTheReasonOfAFailure(t *testing.T) {
	l := &lastError{}
	say := func(severity, message string) {
		l.record(apitype.EngineEvent{DiagnosticEvent: &apitype.DiagnosticEvent{Severity: severity, Message: message}})
	}
	l.record(apitype.EngineEvent{})
	say("info", "waiting")
	say("error", "<{%reset%}>an unhandled error occurred: waiting for RPCs: marshaling properties: awaiting input property \"target\": release 222222222222 does not serve\nthe machine reports:\nmuch<{%reset%}>\n")
	say("error", "update failed")
	assert.Equal(t, map[string]string{origin.Reason: "release 222222222222 does not serve"}, l.annotate(nil, engine.ErrFailed))
	assert.Equal(t, map[string]string{origin.Release: "abc"}, l.annotate(map[string]engine.Output{"release": {Value: "abc"}}, nil))
	assert.Equal(t, map[string]string{origin.Reason: "interrupted"}, new(lastError).annotate(nil, engine.ErrInterrupted))
}
