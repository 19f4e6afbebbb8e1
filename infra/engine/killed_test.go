//go:build !race

package engine

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestKilled checks an update that is killed while its provider does not react.
//
// It does not run under the race detector: Pulumi's engine closes its channel of
// events although steps of a terminated update may still send, and recovers from
// that (trySendEvent, https://github.com/pulumi/pulumi/issues/10431).
func TestKilled(t *testing.T) {
	t.Parallel()
	w, end := newWorld(), make(chan struct{})
	s := open(t, w, "", "config:\n  things:apart: true\n")
	kill := make(chan struct{})
	var reached int
	w.creating = func(context.Context, string) error {
		w.mu.Lock()
		if reached++; reached == 3 {
			close(kill)
		}
		w.mu.Unlock()
		<-end
		return errors.New("ended late")
	}
	_, err := s.Up(t.Context(), Run{Kill: kill})
	require.ErrorIs(t, err, ErrInterrupted)
	assert.Contains(t, stateText(t, s.store.root), `"type":"creating"`)
	close(end)

	t.Log("the next update warns, makes them, and then they are forgotten")
	var others sync.WaitGroup // a creation that has begun is finished
	others.Add(2)
	w.creating = func(_ context.Context, name string) error {
		if name == "thing2" {
			others.Wait()
			return errors.New("no thing2 today")
		}
		others.Done()
		return nil
	}
	var out bytes.Buffer
	_, err = s.Up(t.Context(), Run{Out: &out, Refresh: true})
	require.ErrorIs(t, err, ErrFailed)
	for _, name := range []string{"thing0", "thing1", "thing2"} {
		assert.Contains(t, out.String(), "test:index:Thing "+name)
	}
	w.creating = nil
	out.Reset()
	_, err = s.Up(t.Context(), Run{Out: &out, Refresh: true})
	require.NoError(t, err, out.String())
	assert.Contains(t, out.String(), "test:index:Thing thing2")
	assert.NotContains(t, out.String(), "test:index:Thing thing1\n", "it is in the state")
	out.Reset()
	_, err = s.Up(t.Context(), Run{Out: &out, Refresh: true})
	require.NoError(t, err, out.String())
	assert.NotContains(t, out.String(), "warning")
	assert.NotContains(t, stateText(t, s.store.root), `"type":"creating"`)
}
