package logs

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stuck is a log whose reader is blocked until the test releases it.
type stuck struct {
	gate chan struct{}
	got  bytes.Buffer
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.gate
	return s.got.Write(p)
}

// TestALogThatNobodyReadsHoldsNothingUp checks that a writer returns at once,
// even beyond the limit of waiting lines.
func TestALogThatNobodyReadsHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stuck{gate: make(chan struct{})}
		w := NewWriter(out)
		log := slog.New(slog.NewJSONHandler(w, nil))
		begin := time.Now()
		line := strings.Repeat("x", 10_000)
		for range 3 * maxWaitingBytes / len(line) {
			log.Info(line)
		}
		assert.Zero(t, time.Since(begin), "no line waits")
		dropped := w.Dropped()
		assert.Positive(t, dropped)
		w.mu.Lock()
		assert.LessOrEqual(t, w.bytes, maxWaitingBytes)
		w.mu.Unlock()

		w.Flush(time.Second)
		assert.Equal(t, time.Second, time.Since(begin), "the end waits, but not for ever")

		close(out.gate)
		synctest.Wait()
		log.Info("after it")
		w.Flush(time.Second)
		all := out.got.String()
		assert.Contains(t, all, `"msg":"log lines were dropped: the log was not read","lines":`)
		assert.True(t, strings.HasSuffix(all, "\n"))
		assert.Contains(t, all[strings.LastIndex(strings.TrimSpace(all), "\n"):], "after it", "in their order")
		assert.Equal(t, dropped, w.Dropped())
	})
}

func TestLinesAreWrittenWholeAndInOrder(t *testing.T) {
	t.Parallel()
	r, out := io.Pipe()
	w := NewWriter(out)
	var want strings.Builder
	for i := range 100 {
		line := strings.Repeat("a", i) + "\n"
		n, err := io.WriteString(w, line)
		require.NoError(t, err)
		require.Equal(t, len(line), n)
		want.WriteString(line)
	}
	go func() {
		w.Flush(10 * time.Second)
		_ = out.Close()
	}()
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, want.String(), string(got))
	assert.Zero(t, w.Dropped())
}
