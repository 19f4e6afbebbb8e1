package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"escala/service"
)

// runningFile is the file of the running program. The kernel keeps it open, even
// if another file is at its path by now.
const runningFile = "/proc/self/exe"

var runningHash = sync.OnceValues(func() (string, error) {
	id, err := fileHash(runningFile)
	if !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	path, err := os.Executable() // a system without /proc, for development
	if err != nil {
		return "", err
	}
	return fileHash(path)
})

// RunningRelease returns the id of this process's release: the SHA-256 of the running
// executable, 64 hexadecimal digits. It never comes from the environment, so a worker
// cannot report a release that it does not run. The first call reads
// the whole executable, which takes tens of milliseconds. Callers that want to
// start fast call it early, in its own goroutine.
func RunningRelease() (string, error) {
	id, err := runningHash()
	if err != nil {
		return "", fmt.Errorf("computing this release's id: %w", err)
	}
	return id, nil
}

func fileHash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	release, err := service.ReadRelease(f)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	return string(release.ID), nil
}
