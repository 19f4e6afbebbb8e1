package logs

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// maxWaitingBytes is the largest number of bytes that wait for the reader of the
// log.
const maxWaitingBytes = 1 << 20

// Writer writes lines in the background, in their order. Write never waits: an
// unread log must not delay a request, a drain or a signal. Lines that exceed
// the buffer are dropped and counted. A later line reports their number.
type Writer struct {
	out     io.Writer
	dropped atomic.Uint64

	mu      sync.Mutex
	waiting [][]byte
	bytes   int
	// lost is the number of dropped lines since the last queued line.
	lost uint64
	// busy reports that the writing goroutine runs. The goroutine ends when
	// nothing waits, and closes idle.
	busy bool
	idle chan struct{}
}

// NewWriter returns a writer to out.
func NewWriter(out io.Writer) *Writer { return &Writer{out: out} }

// Write queues one line. It always succeeds.
func (w *Writer) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bytes+len(line) > maxWaitingBytes {
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

// write writes lines until none is left.
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
		_, _ = w.out.Write(line) // an error cannot be reported anywhere
		w.mu.Lock()
		w.bytes -= len(line)
		w.mu.Unlock()
	}
}

// Flush waits until all lines are written, but at most for limit.
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

// Dropped returns the number of dropped lines.
func (w *Writer) Dropped() uint64 { return w.dropped.Load() }
