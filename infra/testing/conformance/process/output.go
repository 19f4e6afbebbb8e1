package process

import (
	"context"
	"fmt"
	"os"
)

// output returns the end of a pipe for the program's output. As with a supervisor's
// pipe, the reader may hang: see stopReading. The reader ends when the last process
// that has the other end ends.
func (k *supervised) output() (*os.File, error) {
	log, err := os.OpenFile(k.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the log: %w", err)
	}
	from, to, err := os.Pipe()
	if err != nil {
		_ = log.Close()
		return nil, fmt.Errorf("opening a pipe: %w", err)
	}
	go func() {
		defer log.Close()
		defer from.Close()
		lines := make([]byte, 4<<10)
		for {
			n, err := from.Read(lines)
			k.hung.RLock()
			_, _ = log.Write(lines[:n])
			k.hung.RUnlock()
			if err != nil {
				return
			}
		}
	}()
	return to, nil
}

// stopReading stops the reading of the program's output until readLog.
func (k *supervised) stopReading() { k.hung.Lock() }

func (k *supervised) readLog(context.Context) error {
	k.hung.Unlock()
	return nil
}
