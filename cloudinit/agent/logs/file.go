package logs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"escala/cloudinit/agent/request"
)

// segment is one file of a rotated log.
type segment struct {
	file  *os.File
	inode uint64
	size  int64
	// changed is the time of the last write, in milliseconds since 1970.
	changed int64
}

// openFile opens a log with its rotated file, from the beginning of the query. The
// stream ends at the current size of the log.
func openFile(path, source string, q request.Query) (*stream, func(), error) {
	segments, end, err := segments(path)
	if err != nil {
		return nil, end, err
	}
	name := filepath.Base(path)
	var offset int64
	if at, ok := q.Cursor[name]; ok {
		segments, offset = resume(segments, at)
	} else if q.Cursor == nil {
		// If the last line of a file is too old, all its lines are.
		for len(segments) > 1 && segments[0].changed < q.Since {
			segments = segments[1:]
		}
	}
	f := &fileReader{source: source, segments: segments, offset: offset}
	return &stream{name: name, read: f.read, at: f.position()}, end, nil
}

func segments(path string) (out []segment, end func(), err error) {
	end = func() {
		for _, s := range out {
			s.file.Close()
		}
	}
	// If the log is rotated in between, the same file is opened twice and the second
	// one is left out.
	for _, name := range []string{path + ".1", path} {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, end, fmt.Errorf("opening a log: %w", err)
		}
		info, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, end, fmt.Errorf("opening a log: %w", err)
		}
		inode := info.Sys().(*syscall.Stat_t).Ino
		if !info.Mode().IsRegular() || len(out) > 0 && out[0].inode == inode {
			f.Close()
			continue
		}
		out = append(out, segment{f, inode, info.Size(), info.ModTime().UnixMilli()})
	}
	return out, end, nil
}

// resume returns the segments from a position on.
func resume(all []segment, at string) (rest []segment, offset int64) {
	var inode uint64
	if _, err := fmt.Sscanf(at, "%d:%d", &inode, &offset); err != nil {
		return all, 0
	}
	for i, s := range all {
		if s.inode == inode && offset <= s.size {
			return all[i:], offset
		}
	}
	return all, 0 // it was rotated away since
}

// fileReader reads the lines of segments.
type fileReader struct {
	source   string
	segments []segment
	offset   int64 // in the first segment
	reader   *bufio.Reader
	lines    int
}

func (f *fileReader) position() string {
	if len(f.segments) == 0 {
		return ""
	}
	return fmt.Sprintf("%d:%d", f.segments[0].inode, f.offset)
}

func (f *fileReader) read(ctx context.Context) (entry, string, bool, error) {
	for len(f.segments) > 0 {
		if f.lines++; f.lines%1024 == 0 && ctx.Err() != nil {
			break
		}
		s := f.segments[0]
		if f.reader == nil {
			f.reader = bufio.NewReaderSize(io.NewSectionReader(s.file, f.offset, s.size-f.offset), maxLine)
		}
		before := f.position()
		line, err := f.reader.ReadSlice('\n')
		switch {
		case err == nil:
		case errors.Is(err, bufio.ErrBufferFull): // the rest is a line of its own
		case errors.Is(err, io.EOF) && len(f.segments) > 1:
			if len(line) == 0 {
				f.segments, f.offset, f.reader = f.segments[1:], 0, nil
				continue
			}
		case errors.Is(err, io.EOF):
			return entry{}, f.position(), false, nil // half a line is still being written
		default:
			return entry{}, before, false, fmt.Errorf("reading the log of %s: %w", f.source, err)
		}
		f.offset += int64(len(line))
		line = bytes.TrimRight(line, "\r\n")
		return entry{
			line:   request.Line{Source: f.source, Time: timeOf(line), Text: text(line)},
			before: before, after: f.position(),
		}, f.position(), true, nil
	}
	return entry{}, f.position(), false, nil //nolint:nilerr // the end of all segments, or of the time
}

// timeKeys are the keys under which structured loggers write the time.
var timeKeys = [][]byte{[]byte(`"time":"`), []byte(`"timestamp":"`), []byte(`"ts":"`), []byte(`"@timestamp":"`), []byte(`time="`), []byte(`time=`)}

// layouts are the forms of times. A time without a zone is in UTC, the machine's.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006/01/02 15:04:05", "2006-01-02 15:04:05"}

// timeOf returns the time of a line in milliseconds since 1970, and 0 if it has
// none.
func timeOf(line []byte) int64 {
	begin := line[:min(len(line), 512)]
	if len(begin) > 0 && begin[0] >= '0' && begin[0] <= '9' {
		return parseTime(string(begin[:min(len(begin), 40)]))
	}
	for _, key := range timeKeys {
		if _, value, ok := bytes.Cut(begin, key); ok {
			return parseTime(string(value[:min(len(value), 40)]))
		}
	}
	return 0
}

// parseTime reads the time at the beginning of a text.
func parseTime(s string) int64 {
	if end := strings.IndexAny(s, "\"'\t,]"); end >= 0 {
		s = s[:end]
	}
	first, rest, two := strings.Cut(s, " ")
	for _, layout := range layouts {
		value := first
		if strings.Contains(layout, " ") {
			if !two {
				continue
			}
			second, _, _ := strings.Cut(rest, " ")
			value = first + " " + second
		}
		if t, err := time.Parse(layout, value); err == nil {
			return t.UnixMilli()
		}
	}
	return 0
}
