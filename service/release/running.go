// Package release reports the release of this process: the SHA-256 of the
// running executable. It never comes from the environment, so a worker cannot
// report a release that it does not run.
package release

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"escala/service"
)

// executable is the file of the running program. The kernel keeps it open, even
// if another file is at its path by now.
const executable = "/proc/self/exe"

var hash = sync.OnceValues(func() (string, error) {
	id, err := fileHash(executable)
	if !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	path, err := os.Executable() // a system without /proc, for development
	if err != nil {
		return "", err
	}
	return fileHash(path)
})

// Running returns the release's id, 64 hexadecimal digits. The first call reads
// the whole executable, which takes tens of milliseconds. Callers that want to
// start fast call it early, in its own goroutine.
func Running() (string, error) {
	id, err := hash()
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
