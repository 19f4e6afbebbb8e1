package host

import (
	"io"
	"os"
	"path/filepath"

	"escala/cloudinit/agent/certificate"
	"escala/cloudinit/agent/report"
	"escala/cloudinit/agent/store"
)

// privateFolder is a folder that only root can read.
type privateFolder string

var (
	_ certificate.Disk = privateFolder("")
	_ report.Disk      = privateFolder("")
)

// Read returns a file.
func (p privateFolder) Read(name string) ([]byte, error) {
	f, err := os.Open(filepath.Join(string(p), name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 1<<20))
}

// Write replaces a file, atomically.
func (p privateFolder) Write(name string, content []byte) error {
	if err := os.MkdirAll(string(p), 0o700); err != nil {
		return err
	}
	return store.WriteFile(filepath.Join(string(p), name), 0o600, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}
