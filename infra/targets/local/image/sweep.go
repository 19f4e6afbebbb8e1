package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// mounts is the file that lists the mounted file systems, as in proc(5).
const mounts = "/proc/self/mounts"

// sweep removes the files of interrupted builds, which are as large as an image. It
// does not remove a folder in which a file system is still mounted, because that
// would remove files of this computer.
func sweep(folder string) error {
	left, err := filepath.Glob(filepath.Join(folder, ".build-*"))
	if err != nil {
		return fmt.Errorf("looking for interrupted builds: %w", err)
	}
	for _, path := range left {
		busy, err := mountedBelow(path, mounts)
		if err != nil {
			return fmt.Errorf("looking for interrupted builds: %w", err)
		}
		if busy {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("removing an interrupted build: %w", err)
		}
	}
	return nil
}

// mountedBelow reports whether a file system is mounted at the path or below it.
func mountedBelow(path, table string) (bool, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false, err
	}
	content, err := os.ReadFile(table)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// The kernel writes a space in a path as \040, and the other characters alike.
	name := strings.NewReplacer("\\", `\134`, " ", `\040`, "\t", `\011`, "\n", `\012`).Replace(path)
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) > 1 && (fields[1] == name || strings.HasPrefix(fields[1], name+"/")) {
			return true, nil
		}
	}
	return false, nil
}
