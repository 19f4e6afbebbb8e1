package logs

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"escala/cloudinit/agent/request"
)

// Journal is the journal of the machine's units.
type Journal interface {
	// Units are the sources of its lines.
	Units() []string
	// Open returns the entries of units as lines of JSON, oldest first
	// (journalctl's --output json). after is the cursor of the last entry before
	// them, or "". since is in seconds since 1970, and lines is the number of last
	// entries; 0 for no limit.
	Open(ctx context.Context, units []string, after string, since int64, lines int) (io.ReadCloser, error)
}

// journalName is the journal's name in a cursor.
const journalName = "journal"

// noEntry is the cursor of a journal in which there was no entry yet, followed by
// the time of the query in seconds.
const noEntry = "since "

func openJournal(ctx context.Context, j Journal, q request.Query) (*stream, func(), error) {
	units := j.Units()
	if q.Source != "" {
		units = []string{q.Source}
	}
	after, since, lines := q.Cursor[journalName], q.Since/1000, 0
	if text, ok := strings.CutPrefix(after, noEntry); ok {
		after = ""
		since, _ = strconv.ParseInt(text, 10, 64)
	}
	if q.Cursor == nil && since == 0 && q.Contains == "" {
		lines = q.Tail
	}
	content, err := j.Open(ctx, units, after, since, lines)
	if err != nil {
		return nil, func() {}, fmt.Errorf("reading the journal: %w", err)
	}
	r := &journalReader{entries: bufio.NewScanner(content), at: after}
	r.entries.Buffer(nil, 4*maxLine)
	if r.at == "" {
		r.at = noEntry + strconv.FormatInt(since, 10)
	}
	return &stream{name: journalName, read: r.read, at: r.at}, func() { content.Close() }, nil
}

type journalReader struct {
	entries *bufio.Scanner
	at      string
}

func (r *journalReader) read(context.Context) (entry, string, bool, error) {
	for r.entries.Scan() {
		var e struct {
			Cursor  string          `json:"__CURSOR"`
			Time    string          `json:"__REALTIME_TIMESTAMP"` // microseconds since 1970
			Unit    string          `json:"_SYSTEMD_UNIT"`
			About   string          `json:"UNIT"`
			Message json.RawMessage `json:"MESSAGE"`
		}
		if json.Unmarshal(r.entries.Bytes(), &e) != nil {
			continue
		}
		before := r.at
		r.at = e.Cursor
		micros, _ := strconv.ParseInt(e.Time, 10, 64)
		unit := e.Unit
		if e.About != "" { // systemd's own message about a unit
			unit = e.About
		}
		return entry{
			line:   request.Line{Source: strings.TrimSuffix(unit, ".service"), Time: micros / 1000, Text: message(e.Message)},
			before: before, after: r.at,
		}, r.at, true, nil
	}
	// An entry that is too long, or a journal that is being rotated, ends this
	// answer. The follower continues.
	return entry{}, r.at, false, nil
}

// message reads a message: a text, or an array of bytes for what is not UTF-8.
func message(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var numbers []int
	if json.Unmarshal(raw, &numbers) != nil {
		return ""
	}
	b := make([]byte, len(numbers))
	for i, n := range numbers {
		b[i] = byte(n)
	}
	return text(b)
}
