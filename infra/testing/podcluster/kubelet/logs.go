//go:build linux

package kubelet

import (
	"bytes"
	"strings"
	"sync"
	"time"
)

// keptLog is the length of a log that is kept, in bytes. Kubelets keep 10 MiB.
const keptLog = 1 << 20

// logs has what a container printed since its last start, and before that.
type logs struct {
	mu            sync.Mutex
	now, previous []line
	partial       []byte
	bytes         int
}

type line struct {
	at   time.Time
	text string
}

// Write takes over what a container prints.
func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = append(l.partial, p...)
	for {
		text, rest, found := bytes.Cut(l.partial, []byte("\n"))
		if !found && len(l.partial) < keptLog/4 {
			return len(p), nil
		}
		l.now = append(l.now, line{time.Now(), string(text)})
		l.bytes += len(text)
		l.partial = rest
		for l.bytes > keptLog {
			l.bytes -= len(l.now[0].text)
			l.now = l.now[1:]
		}
	}
}

// restart begins the log of another program.
func (l *logs) restart() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.now) > 0 {
		l.previous = l.now
	}
	l.now, l.partial, l.bytes = nil, nil, 0
}

// lines returns the lines from a number on, of the program now or the one before,
// and how many there were.
func (l *logs) lines(previous bool) []line {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := l.now
	if previous {
		from = l.previous
	}
	return append([]line(nil), from...)
}

// tail returns the last lines in at most so many bytes.
func (l *logs) tail(lines, size int) string {
	all := l.lines(false)
	all = all[max(0, len(all)-lines):]
	var texts []string
	for _, one := range all {
		texts = append(texts, one.text)
	}
	text := strings.Join(texts, "\n")
	return text[max(0, len(text)-size):]
}
