package prefork

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"escala/service"
)

// executable is the program from which workers start. It is the open file itself:
// if another file is installed at the path, workers do not start from it before a
// roll has tried it. This includes a worker that ends by itself and restarts.
type executable struct {
	// file is only closed by the garbage collector, because a worker may be
	// starting from it while it is replaced.
	file *os.File
	// release is the SHA-256 of the file.
	release string
}

func openExecutable(path string) (*executable, error) {
	// Without O_NONBLOCK, opening a FIFO or a device would wait for its other
	// end.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the program for the workers: %w", err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("the program for the workers, %s, is not a regular file", path), err, f.Close())
	}
	release, err := service.ReadRelease(f)
	if err != nil {
		return nil, fmt.Errorf("reading the program for the workers: %w", err)
	}
	return &executable{file: f, release: string(release.ID)}, nil
}

func (e *executable) short() string { return e.release[:12] }

// program returns the executable from which workers start.
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
