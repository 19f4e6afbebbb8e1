package logs

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/request"
)

func newReader(t *testing.T) Reader {
	t.Helper()
	return Reader{Folder: t.TempDir(), Source: func(name string) string { return name }}
}

func (r Reader) write(t *testing.T, name string, lines ...string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(r.Folder, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	require.NoError(t, err)
	for _, line := range lines {
		_, err = io.WriteString(f, line+"\n")
		require.NoError(t, err)
	}
	require.NoError(t, f.Close())
}

func at(second int, message string) string {
	return fmt.Sprintf(`{"time":"2026-01-02T03:04:%02dZ","msg":"%s"}`, second, message)
}

func texts(lines []request.Line) []string {
	out := []string{}
	for _, line := range lines {
		out = append(out, line.Source+" "+line.Text)
	}
	return out
}

const plenty = 1 << 20

func TestTheLastLinesAndThenTheNewOnes(t *testing.T) {
	r := newReader(t)
	r.write(t, "worker-0.log", at(1, "a"), at(3, "b"), "  a stack trace", at(5, "c"))
	r.write(t, "worker-1.log", at(2, "x"), at(4, "y"))
	lines, cursor, more, err := r.Read(t.Context(), request.Query{Tail: 3}, plenty)
	require.NoError(t, err)
	assert.False(t, more)
	assert.Equal(t, []string{
		"worker-1 " + at(2, "x"), "worker-0 " + at(3, "b"), "worker-0   a stack trace", "worker-1 " + at(4, "y"), "worker-0 " + at(5, "c"),
	}, texts(lines))

	r.write(t, "worker-1.log", at(6, "z"))
	r.write(t, "worker-2.log", at(7, "new"))
	lines, cursor, _, err = r.Read(t.Context(), request.Query{Cursor: cursor}, plenty)
	require.NoError(t, err)
	assert.Equal(t, []string{"worker-1 " + at(6, "z"), "worker-2 " + at(7, "new")}, texts(lines))
	lines, _, _, err = r.Read(t.Context(), request.Query{Cursor: cursor}, plenty)
	require.NoError(t, err)
	assert.Empty(t, lines)
}

// TestAWorkersFilesAreOneSource checks the number of last lines of a worker, which
// has a file for each of its slots.
func TestAWorkersFilesAreOneSource(t *testing.T) {
	r := newReader(t)
	r.Source = func(string) string { return "worker-0" }
	r.write(t, "worker-0.log", at(1, "a"), at(4, "d"))
	r.write(t, "worker-2.log", at(2, "b"), at(3, "c"))
	lines, _, _, err := r.Read(t.Context(), request.Query{Tail: 2}, plenty)
	require.NoError(t, err)
	assert.Equal(t, []string{"worker-0 " + at(3, "c"), "worker-0 " + at(4, "d")}, texts(lines))
}

// TestRotationLosesNoLine checks that no line is lost if a log is rotated between
// two answers, as supervisord does.
func TestRotationLosesNoLine(t *testing.T) {
	r := newReader(t)
	path := filepath.Join(r.Folder, "worker-0.log")
	r.write(t, "worker-0.log", "one", "two")
	_, cursor, _, err := r.Read(t.Context(), request.Query{Tail: 1}, plenty)
	require.NoError(t, err)
	r.write(t, "worker-0.log", "three")
	require.NoError(t, os.Rename(path, path+".1"))
	r.write(t, "worker-0.log", "four")
	lines, cursor, _, err := r.Read(t.Context(), request.Query{Cursor: cursor}, plenty)
	require.NoError(t, err)
	assert.Equal(t, []string{"worker-0 three", "worker-0 four"}, texts(lines))

	// After two rotations in between, the lines that were rotated away are gone, and
	// the rest is not repeated.
	require.NoError(t, os.Remove(path+".1"))
	require.NoError(t, os.Rename(path, path+".1"))
	r.write(t, "worker-0.log", "five")
	lines, _, _, err = r.Read(t.Context(), request.Query{Cursor: cursor}, plenty)
	require.NoError(t, err)
	assert.Equal(t, []string{"worker-0 five"}, texts(lines))
}

func TestQueries(t *testing.T) {
	r := newReader(t)
	r.write(t, "worker-0.log.1", at(1, "old [x]"), "no time [x]")
	r.write(t, "worker-0.log", at(3, "young (x)"), "trace (x)", at(5, "y"))
	r.write(t, "worker-1.log", at(9, "other [x]"))
	since := time.Date(2026, 1, 2, 3, 4, 3, 0, time.UTC).UnixMilli()
	for name, c := range map[string]struct {
		query request.Query
		want  []string
	}{
		"since":      {request.Query{Source: "worker-0", Since: since}, []string{"worker-0 " + at(3, "young (x)"), "worker-0 trace (x)", "worker-0 " + at(5, "y")}},
		"a text":     {request.Query{Contains: "[x]"}, []string{"worker-0 " + at(1, "old [x]"), "worker-0 no time [x]", "worker-1 " + at(9, "other [x]")}},
		"a worker":   {request.Query{Source: "worker-1", Tail: 5}, []string{"worker-1 " + at(9, "other [x]")}},
		"last texts": {request.Query{Contains: "x)", Tail: 1}, []string{"worker-0 trace (x)"}},
	} {
		t.Run(name, func(t *testing.T) {
			lines, _, _, err := r.Read(t.Context(), c.query, plenty)
			require.NoError(t, err)
			assert.Equal(t, c.want, texts(lines))
		})
	}
	_, _, _, err := r.Read(t.Context(), request.Query{Source: "../etc/passwd"}, plenty)
	require.EqualError(t, err, `"../etc/passwd" is not one of the machine's logs: worker-0, worker-1`)
}

func TestALineThatIsBeingWrittenWaits(t *testing.T) {
	r := newReader(t)
	path := filepath.Join(r.Folder, "worker-0.log")
	require.NoError(t, os.WriteFile(path, []byte("whole\nhal"), 0o644))
	lines, cursor, _, err := r.Read(t.Context(), request.Query{}, plenty)
	require.NoError(t, err)
	assert.Equal(t, []string{"worker-0 whole"}, texts(lines))
	r.write(t, "worker-0.log", "f\xff")
	lines, _, _, err = r.Read(t.Context(), request.Query{Cursor: cursor}, plenty)
	require.NoError(t, err)
	assert.Equal(t, []string{"worker-0 half\uFFFD"}, texts(lines))
}

// TestAMillionLines checks that a log of a million lines can be read in answers of a
// limited size and in little memory.
func TestAMillionLines(t *testing.T) {
	const all = 1_000_000
	r := newReader(t)
	f, err := os.Create(filepath.Join(r.Folder, "worker-0.log"))
	require.NoError(t, err)
	for i := range all {
		fmt.Fprintf(f, "line %d\n", i)
	}
	require.NoError(t, f.Close())
	const limit = 700 << 10
	var cursor request.Cursor
	n, answers := 0, 0
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for more := true; more; answers++ {
		var lines []request.Line
		lines, cursor, more, err = r.Read(t.Context(), request.Query{Cursor: cursor}, limit)
		require.NoError(t, err)
		size := 0
		for _, line := range lines {
			if line.Text != fmt.Sprintf("line %d", n) {
				t.Fatalf("line %d is %q", n, line.Text)
			}
			n++
			size += len(line.Text)
		}
		require.LessOrEqual(t, size, limit)
	}
	runtime.ReadMemStats(&after)
	assert.Equal(t, all, n)
	t.Logf("%d lines in %d answers, heap %d KiB", n, answers, (after.HeapInuse-min(before.HeapInuse, after.HeapInuse))>>10)
}

func TestALineWithoutAnEndIsCut(t *testing.T) {
	r := newReader(t)
	r.write(t, "worker-0.log", strings.Repeat("x", 3*maxLine+5))
	lines, _, _, err := r.Read(t.Context(), request.Query{}, plenty)
	require.NoError(t, err)
	require.Len(t, lines, 4)
	assert.Len(t, lines[3].Text, 5)
}

// journal simulates journalctl.
type journal struct{ calls []string }

func (*journal) Units() []string { return []string{"nginx", "escala-agent"} }

func (j *journal) Open(_ context.Context, units []string, after string, since int64, lines int) (io.ReadCloser, error) {
	j.calls = append(j.calls, fmt.Sprintf("%v after %q since %d lines %d", units, after, since, lines))
	if after == "c2" {
		return io.NopCloser(strings.NewReader("")), nil
	}
	return io.NopCloser(strings.NewReader(`{"__CURSOR":"c1","__REALTIME_TIMESTAMP":"1767323042000000","_SYSTEMD_UNIT":"nginx.service","MESSAGE":"one"}
{"__CURSOR":"c2","__REALTIME_TIMESTAMP":"1767323044000000","_SYSTEMD_UNIT":"init.scope","UNIT":"escala-agent.service","MESSAGE":[116,119,111,255]}
`)), nil
}

func TestTheJournalIsBetweenTheWorkersLines(t *testing.T) {
	r := newReader(t)
	j := &journal{}
	r.Journal = j
	r.write(t, "worker-0.log", at(1, "a"), at(3, "b"))
	lines, cursor, _, err := r.Read(t.Context(), request.Query{Tail: 10}, plenty)
	require.NoError(t, err)
	assert.Equal(t, []string{"worker-0 " + at(1, "a"), "nginx one", "worker-0 " + at(3, "b"), "escala-agent two\uFFFD"}, texts(lines))
	lines, cursor, _, err = r.Read(t.Context(), request.Query{Cursor: cursor}, plenty)
	require.NoError(t, err)
	assert.Empty(t, lines)
	assert.Equal(t, "c2", cursor["journal"])
	_, _, _, err = r.Read(t.Context(), request.Query{Source: "nginx", Since: 5000}, plenty)
	require.NoError(t, err)
	assert.Equal(t, []string{
		`[nginx escala-agent] after "" since 0 lines 10`, `[nginx escala-agent] after "c2" since 0 lines 0`, `[nginx] after "" since 5 lines 0`,
	}, j.calls)
}
