package store

import (
	"errors"
	"io"
	"time"
)

var errTooLong = errors.New("too long")

// limitWriter accepts at most left bytes.
type limitWriter struct {
	w    io.Writer
	left int64
}

func (l *limitWriter) Write(p []byte) (int, error) {
	if int64(len(p)) <= l.left {
		n, err := l.w.Write(p)
		l.left -= int64(n)
		return n, err
	}
	n, err := l.w.Write(p[:l.left])
	l.left -= int64(n)
	if err == nil {
		err = errTooLong
	}
	return n, err
}

// watchedReader restarts timer whenever bytes arrive.
type watchedReader struct {
	r     io.Reader
	timer *time.Timer
}

func (w *watchedReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if n > 0 {
		w.timer.Reset(Stall)
	}
	return n, err
}
