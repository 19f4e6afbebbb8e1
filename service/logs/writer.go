package logs

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// mostWaiting is how many bytes of lines may wait for the reader of the log.
const mostWaiting = 1 << 20

// Writer writes lines in the background, in their order. Write never waits: a
// log that is not read must not hold up a request, a drain or a signal. Lines
// that find no room are dropped and counted, and a line says how many they were
// once there is room again.
type Writer struct {
	out     io.Writer
	dropped atomic.Uint64

	mu      sync.Mutex
	waiting [][]byte
	bytes   int
	// lost is how many lines were dropped since the last that waits.
	lost uint64
	// busy reports that the goroutine that writes is there; it ends when nothing
	// waits. idle is closed when it does.
	busy bool
	idle chan struct{}
}

// NewWriter returns a writer to out.
func NewWriter(out io.Writer) *Writer { return &Writer{out: out} }

// Write takes one line. It always succeeds.
func (w *Writer) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bytes+len(line) > mostWaiting {
		w.lost++
		w.dropped.Add(1)
		return len(line), nil
	}
	if w.lost > 0 {
		w.queue(fmt.Appendf(nil, `{"time":%q,"level":"WARN","msg":"log lines were dropped: the log was not read","lines":%d}`+"\n",
			time.Now().Format(time.RFC3339Nano), w.lost))
		w.lost = 0
	}
	w.queue(append([]byte(nil), line...))
	if !w.busy {
		w.busy, w.idle = true, make(chan struct{})
		go w.write()
	}
	return len(line), nil
}

func (w *Writer) queue(line []byte) {
	w.waiting = append(w.waiting, line)
	w.bytes += len(line)
}

// write writes until nothing waits.
func (w *Writer) write() {
	for {
		w.mu.Lock()
		if len(w.waiting) == 0 {
			w.waiting, w.busy = nil, false
			close(w.idle)
			w.mu.Unlock()
			return
		}
		line := w.waiting[0]
		w.waiting[0] = nil
		w.waiting = w.waiting[1:]
		w.mu.Unlock()
		_, _ = w.out.Write(line) // there is nowhere to report it
		w.mu.Lock()
		w.bytes -= len(line)
		w.mu.Unlock()
	}
}

// Flush waits until all lines are written, but not for longer than limit.
func (w *Writer) Flush(limit time.Duration) {
	w.mu.Lock()
	idle, busy := w.idle, w.busy
	w.mu.Unlock()
	if !busy {
		return
	}
	select {
	case <-idle:
	case <-time.After(limit):
	}
}

// Dropped is how many lines were dropped.
func (w *Writer) Dropped() uint64 { return w.dropped.Load() }
