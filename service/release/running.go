// Package release says which release this process is: the SHA-256 of the
// executable that is actually running. It is never taken from the environment,
// so that a worker cannot claim to be a release that it is not.
package release

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"sync"
)

// executable is the running program's file, even when its path has been given
// to another one since: the kernel keeps it open for us.
const executable = "/proc/self/exe"

var hash = sync.OnceValues(func() (string, error) { return fileHash(executable) })

// Running returns the release's id, 64 hexadecimal digits. The first call
// reads the whole executable (tens of milliseconds); callers that want to
// start fast call it early, in a goroutine of its own.
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
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
