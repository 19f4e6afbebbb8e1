// Package logs reads a machine's logs for an operator: the files of the workers and
// the journal of the machine's own units. A file is read as a stream, so the memory
// that a query takes does not depend on the size of the logs.
package logs

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"escala/cloudinit/agent/request"
)

// Reader reads the logs of one machine.
type Reader struct {
	// Folder has a file NAME.log for each process, and the rotated NAME.log.1.
	Folder string
	// Source returns the source of a file's lines. Files of one worker have the same
	// source.
	Source func(name string) string
	// Journal reads the entries of the machine's units. Nil for a machine without
	// systemd.
	Journal Journal
}

// maxLine is the size in bytes of the longest line that is returned whole.
const maxLine = 64 << 10

// entry is a line in a stream.
type entry struct {
	line request.Line
	// before and after are the positions around the line.
	before, after string
}

// stream is a sequence of lines in their order.
type stream struct {
	// name is the stream's name in a cursor.
	name string
	// read returns the next line. ok is false at the end. at is the position behind
	// everything that was read.
	read func(ctx context.Context) (e entry, at string, ok bool, err error)

	head entry
	full bool // head is set
	at   string
	// time is that of the last line that had one.
	time int64
}

// next reads the stream's next selected line into head.
func (s *stream) next(ctx context.Context, q request.Query) error {
	for !s.full && ctx.Err() == nil {
		e, at, ok, err := s.read(ctx)
		s.at = at
		if err != nil || !ok {
			return err
		}
		// The lines of a stack trace have the time of the line before.
		if e.line.Time != 0 {
			s.time = e.line.Time
		}
		e.line.Time = s.time
		if s.time >= q.Since && strings.Contains(e.line.Text, q.Contains) {
			s.head, s.full, s.at = e, true, e.before
		}
	}
	return nil
}

// Read returns the selected lines, oldest first, and at most limit bytes of text.
// more reports that there are further lines now, at the cursor.
func (r Reader) Read(ctx context.Context, q request.Query, limit int) (lines []request.Line, cursor request.Cursor, more bool, err error) {
	streams, closeAll, err := r.streams(ctx, q)
	defer closeAll()
	if err != nil {
		return nil, nil, false, err
	}
	cursor = request.Cursor{}
	if q.Cursor == nil && q.Since == 0 && q.Tail > 0 {
		for _, s := range streams {
			last, err := s.tail(ctx, q, limit/len(streams))
			if err != nil {
				return nil, nil, false, err
			}
			lines = append(lines, last...)
			cursor[s.name] = s.at
		}
		slices.SortStableFunc(lines, func(a, b request.Line) int { return compare(a.Time, b.Time) })
		return lastOfEach(lines, q.Tail), cursor, ctx.Err() != nil, nil
	}
	for {
		var first *stream
		for _, s := range streams {
			if err := s.next(ctx, q); err != nil {
				return nil, nil, false, err
			}
			if s.full && (first == nil || s.head.line.Time < first.head.line.Time) {
				first = s
			}
		}
		if first == nil || ctx.Err() != nil || limit < len(first.head.line.Text) {
			for _, s := range streams {
				cursor[s.name] = s.at
			}
			return lines, cursor, first != nil || ctx.Err() != nil, nil
		}
		limit -= len(first.head.line.Text) + lineCost
		lines = append(lines, first.head.line)
		first.full, first.at = false, first.head.after
	}
}

// lineCost is the size of a line beside its text, in bytes.
const lineCost = 40

// lastOfEach returns the last lines of each source: a worker has several files.
func lastOfEach(lines []request.Line, most int) []request.Line {
	count := map[string]int{}
	for _, line := range lines {
		count[line.Source]++
	}
	return slices.DeleteFunc(lines, func(line request.Line) bool {
		count[line.Source]--
		return count[line.Source] >= most
	})
}

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// tail returns the last selected lines of a stream.
func (s *stream) tail(ctx context.Context, q request.Query, limit int) ([]request.Line, error) {
	var last []request.Line
	size := 0
	for {
		if err := s.next(ctx, q); err != nil {
			return nil, err
		}
		if !s.full {
			return last, nil
		}
		last = append(last, s.head.line)
		size += len(s.head.line.Text) + lineCost
		s.full, s.at = false, s.head.after
		for len(last) > q.Tail || size > limit {
			size -= len(last[0].Text) + lineCost
			last = last[1:]
		}
	}
}

// streams opens what a query selects.
func (r Reader) streams(ctx context.Context, q request.Query) (streams []*stream, closeAll func(), err error) {
	var closers []func()
	closeAll = func() {
		for _, c := range closers {
			c()
		}
	}
	paths, err := filepath.Glob(filepath.Join(r.Folder, "*.log"))
	if err != nil {
		return nil, closeAll, fmt.Errorf("looking for logs: %w", err)
	}
	var sources []string
	for _, path := range paths {
		name := filepath.Base(path)
		source := r.Source(strings.TrimSuffix(name, ".log"))
		sources = append(sources, source)
		if q.Source != "" && q.Source != source {
			continue
		}
		s, end, err := openFile(path, source, q)
		if err != nil {
			return nil, closeAll, err
		}
		closers = append(closers, end)
		streams = append(streams, s)
	}
	if r.Journal != nil {
		sources = append(sources, r.Journal.Units()...)
		if q.Source == "" || slices.Contains(r.Journal.Units(), q.Source) {
			s, end, err := openJournal(ctx, r.Journal, q)
			if err != nil {
				return nil, closeAll, err
			}
			closers = append(closers, end)
			streams = append(streams, s)
		}
	}
	if len(streams) == 0 && q.Source != "" {
		slices.Sort(sources)
		return nil, closeAll, fmt.Errorf("%.80q is not one of the machine's logs: %s", q.Source, strings.Join(slices.Compact(sources), ", "))
	}
	return streams, closeAll, nil
}

// text returns a line as valid UTF-8.
func text(line []byte) string {
	if utf8.Valid(line) {
		return string(line)
	}
	return strings.ToValidUTF8(string(line), "\uFFFD")
}
