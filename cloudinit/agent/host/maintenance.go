package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"escala/cloudinit/agent/request"
	"escala/cloudinit/agent/store"
	"escala/service"
)

// maintenance is the root of a machine. Its Nginx answers with MaintenancePage while
// that file exists.
type maintenance Root

// maintenanceRecord holds the time of the last setting that was applied.
const maintenanceRecord = "/var/lib/escala/maintenance.json"

// On reports whether Nginx answers with the page.
func (m maintenance) On() bool {
	_, err := os.Stat(Root(m).path(MaintenancePage))
	return err == nil
}

// Maintain applies the stack's setting. It ignores one that is older than the last.
func (m maintenance) Maintain(change request.Maintenance) error {
	var last struct {
		At int64 `json:"at"`
	}
	record := Root(m).path(maintenanceRecord)
	content, err := os.ReadFile(record)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the last change: %w", err)
	}
	_ = json.Unmarshal(content, &last) // a torn file counts as missing
	if change.At < last.At {
		return nil
	}
	if err := m.apply(change); err != nil {
		return err
	}
	if change.At == last.At {
		return nil
	}
	last.At = change.At
	if content, err = json.Marshal(last); err != nil {
		return fmt.Errorf("recording the change: %w", err)
	}
	return writeBytes(record, content)
}

func (m maintenance) apply(change request.Maintenance) error {
	page := Root(m).path(MaintenancePage)
	if !change.On {
		if err := os.Remove(page); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing the page: %w", err)
		}
		return nil
	}
	content := change.Page
	if len(content) == 0 {
		content = []byte(service.MaintenancePage)
	}
	if err := os.MkdirAll(Root(m).path(MaintenanceFolder), 0o755); err != nil {
		return fmt.Errorf("making the page's folder: %w", err)
	}
	return writeBytes(page, content)
}

// writeBytes replaces a file, atomically.
func writeBytes(path string, content []byte) error {
	return store.WriteFile(path, 0o644, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}
