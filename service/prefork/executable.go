package prefork

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// executable is the program that workers are started from: the very file, held
// open. What is installed at its path later reaches no worker before a roll has
// tried it, not even when a worker ends by itself and starts again.
type executable struct {
	// file is closed by the garbage collector alone: a worker may be starting
	// from it when another takes its place.
	file *os.File
	// release is its SHA-256.
	release string
}

func openExecutable(path string) (*executable, error) {
	// Opening a FIFO or a device would wait for its other end.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the program for the workers: %w", err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("the program for the workers, %s, is not a regular file", path), err, f.Close())
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return nil, fmt.Errorf("reading the program for the workers: %w", err)
	}
	return &executable{file: f, release: hex.EncodeToString(hash.Sum(nil))}, nil
}

func (e *executable) short() string { return e.release[:12] }

// program is the executable that workers are started from.
func (p *primary) program() *executable {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exe
}

func (p *primary) setProgram(e *executable) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exe = e
}
