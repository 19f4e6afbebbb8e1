package process

import (
	"context"
	"fmt"
	"os"
)

// output returns the end of a pipe for the program's output. Like a supervisor's
// pipe, it has a reader that may hang: stopReading. The reader ends with the last
// process that has the other end.
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

// stopReading keeps the program's output from being read until readLog.
func (k *supervised) stopReading() { k.hung.Lock() }

func (k *supervised) readLog(context.Context) error {
	k.hung.Unlock()
	return nil
}
