package initcmd

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// File is a file of a prepared repository.
type File struct {
	// Path is relative to the repository.
	Path    string
	Content []byte
	// Line is true for a file of the user's that needs only one line. The line is
	// appended if it is missing.
	Line bool
}

// header begins the first line of each file that init writes. A checksum of the rest
// follows, which shows whether the file was edited.
const header = "# Written by escala init. An edited file stays as it is. "

var marked = regexp.MustCompile(`^` + regexp.QuoteMeta(header) + `([0-9a-f]{12})\n`)

// stamped returns content with the mark.
func stamped(content []byte) []byte {
	return append([]byte(header+checksum(content)+"\n"), content...)
}

func checksum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:6])
}

// edited reports whether a file differs from what init wrote.
func edited(text []byte) bool {
	found := marked.FindSubmatch(text)
	return found == nil || checksum(text[len(found[0]):]) != string(found[1])
}

// Outcomes of writing a file.
const (
	wrote     = "wrote"
	updated   = "updated"
	unchanged = "unchanged"
	kept      = "kept"
)

// write writes the file below a folder, unless it was edited. It returns the
// outcome.
func (f File) write(folder string) (string, error) {
	path := filepath.Join(folder, f.Path)
	existing, err := os.ReadFile(path)
	absent := errors.Is(err, fs.ErrNotExist)
	if err != nil && !absent {
		return "", fmt.Errorf("reading %s: %w", f.Path, err)
	}
	content, outcome := stamped(f.Content), updated
	switch {
	case f.Line:
		if hasLine(existing, f.Content) {
			return unchanged, nil
		}
		content = appended(existing, f.Content)
		if absent {
			outcome = wrote
		}
	case absent:
		outcome = wrote
	case bytes.Equal(existing, content):
		return unchanged, nil
	case edited(existing):
		return kept, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", fmt.Errorf("writing %s: %w", f.Path, err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		return "", fmt.Errorf("writing %s: %w", f.Path, err)
	}
	return outcome, nil
}

func hasLine(text, line []byte) bool {
	for one := range bytes.Lines(text) {
		if bytes.Equal(bytes.TrimSpace(one), bytes.TrimSpace(line)) {
			return true
		}
	}
	return false
}

func appended(text, line []byte) []byte {
	if len(text) > 0 && !bytes.HasSuffix(text, []byte("\n")) {
		text = append(text, '\n')
	}
	return append(text, line...)
}

// includes reports whether a Makefile includes escala.mk.
func includes(makefile []byte) bool { return hasLine(makefile, []byte("include escala.mk")) }
