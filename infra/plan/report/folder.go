package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"escala/infra/plan"
)

// Folder writes the files of machines and the manifests into dir, one folder
// per stack. It replaces a stack's earlier folder. Secrets are masked.
func Folder(dir string, p plan.Plan) error {
	for _, s := range p.Stacks {
		base := filepath.Join(dir, s.Name)
		if err := os.RemoveAll(base); err != nil {
			return fmt.Errorf("clearing %s: %w", base, err)
		}
		if err := os.MkdirAll(base, 0o755); err != nil {
			return fmt.Errorf("making %s: %w", base, err)
		}
		for _, m := range s.Machines {
			if err := writeFiles(filepath.Join(base, m.Name), m.Files); err != nil {
				return err
			}
		}
		if err := writeFiles(filepath.Join(base, "manifests"), s.Manifests); err != nil {
			return err
		}
	}
	return nil
}

func writeFiles(folder string, files []plan.File) error {
	for _, f := range files {
		// Clean keeps a machine's path inside the folder.
		path := filepath.Join(folder, filepath.Clean("/"+f.Path))
		mode, err := strconv.ParseUint(strings.TrimPrefix(f.Mode, "0o"), 8, 32)
		if err != nil {
			mode = 0o644
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making %s: %w", filepath.Dir(path), err)
		}
		flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
		if f.Append {
			flags = os.O_WRONLY | os.O_CREATE | os.O_APPEND
		}
		// The files contain no secrets, so the owner can always read and write them.
		out, err := os.OpenFile(path, flags, os.FileMode(mode)&0o777|0o600)
		if err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
		_, err = out.WriteString(f.Content)
		if closed := out.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
	}
	return nil
}
