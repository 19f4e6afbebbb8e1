package https

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestWait checks how long a wait lasts and what it reports.
func TestWait(t *testing.T) {
	soon := func() time.Time { return time.Now().Add(time.Second) }
	for _, one := range []struct {
		name    string
		max     time.Duration
		check   func(n int) (string, time.Time)
		missing string
		took    time.Duration
		reports []string
	}{
		{"nothing is missing", time.Minute, func(int) (string, time.Time) { return "", time.Time{} }, "", 0, nil},
		{"it comes", time.Minute, func(n int) (string, time.Time) {
			return []string{"a", "a", "b", ""}[n], time.Time{}
		}, "", 3 * time.Second, []string{"waiting: a", "waiting: b"}},
		{"it may come", 5 * time.Second, func(int) (string, time.Time) { return "a", soon() }, "a", 5 * time.Second, []string{"waiting: a"}},
		{"a person has to act", time.Minute, func(int) (string, time.Time) { return "a", Never }, "a", 0, []string{"waiting: a"}},
		{"one look", 0, func(int) (string, time.Time) { return "a", time.Time{} }, "a", 0, []string{"waiting: a"}},
		{"the update ends", time.Hour, func(int) (string, time.Time) { return "a", time.Time{} }, "a", 10 * time.Minute, []string{"waiting: a"}},
	} {
		t.Run(one.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				began, looks := time.Now(), 0
				var reports []string
				wait := Wait{Max: one.max, Poll: time.Second, Report: func(s string) { reports = append(reports, s) }}
				missing := wait.For(ctx, func(context.Context) (string, time.Time) {
					looks++
					return one.check(looks - 1)
				})
				assert.Equal(t, one.missing, missing)
				assert.Equal(t, one.took, time.Since(began))
				assert.Equal(t, one.reports, reports)
			})
		})
	}
}

func TestState(t *testing.T) {
	assert.Equal(t, Serving, State(""))
	assert.Equal(t, "waiting: a record", State("a record"))
}
