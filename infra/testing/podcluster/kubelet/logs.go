//go:build linux

package kubelet

import (
	"bytes"
	"strings"
	"sync"
	"time"
)

// keptLog is the maximum length of a log in bytes. Real kubelets keep 10 MiB.
const keptLog = 1 << 20

// gate blocks the reading of logs while it is closed.
type gate struct {
	mu   sync.Mutex
	open chan struct{}
}

// set closes or opens the gate.
func (g *gate) set(closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case closed && g.open == nil:
		g.open = make(chan struct{})
	case !closed && g.open != nil:
		close(g.open)
		g.open = nil
	}
}

// pass returns when the gate is open.
func (g *gate) pass() {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	if open != nil {
		<-open
	}
}

// logs holds the output of a container's current program and of the previous one.
type logs struct {
	gate *gate

	mu            sync.Mutex
	now, previous []line
	partial       []byte
	bytes         int
}

type line struct {
	at   time.Time
	text string
}

// Write adds output of the container to the log.
func (l *logs) Write(p []byte) (int, error) {
	l.gate.pass()
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

// lines returns a copy of the log's lines: of the current program or of the
// previous one.
func (l *logs) lines(previous bool) []line {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := l.now
	if previous {
		from = l.previous
	}
	return append([]line(nil), from...)
}

// tail returns the last lines of the log, cut to the last size bytes.
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
