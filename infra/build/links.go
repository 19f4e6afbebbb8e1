package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"escala/service"
)

// links records which binary was linked from which compiled packages. A release has
// no build id, so the go command cannot see that one is up to date. It would link it
// each time, which is most of the duration of an update without a change.
type links struct{ folder string }

// compile compiles the packages of a program. It returns a key that differs for
// each binary that they can be linked to.
func (m goModule) compile(ctx context.Context, pkg string, platform Platform) (string, error) {
	names, stop := m.reportProgress(ctx, pkg, platform)
	defer stop()
	args := append([]string{"list", "-v", "-deps", "-export", "-trimpath", "-buildvcs=false"}, m.tags()...)
	cmd := m.command(ctx, platform, append(args, "-f", "{{.ImportPath}} {{.BuildID}}", pkg)...)
	var ids bytes.Buffer
	cmd.Stdout, cmd.Stderr = &ids, names
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go list %s: %w", pkg, err)
	}
	hash := sha256.New()
	fmt.Fprintln(hash, platform, strings.Join(m.arguments("", pkg), " "))
	hash.Write(ids.Bytes())
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// find returns the binary that was linked for a key, if it still exists.
func (l links) find(key string) (Release, bool) {
	sum, err := os.ReadFile(filepath.Join(l.folder, "links", key))
	if err != nil {
		return Release{}, false
	}
	path := filepath.Join(l.folder, string(sum))
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return Release{}, false
	}
	// The new time marks the binary as in use: prune removes the oldest builds.
	now := time.Now()
	if err := os.Chtimes(path, now, now); err != nil {
		return Release{}, false
	}
	return Release{Release: service.Release{ID: service.ReleaseID(sum), Size: info.Size()}, Path: path}, true
}

// add records a binary, and removes the records of binaries that no longer exist.
func (l links) add(key string, b Release) error {
	folder := filepath.Join(l.folder, "links")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		sum, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(l.folder, string(sum))); errors.Is(err, fs.ErrNotExist) {
			_ = os.Remove(path)
		}
	}
	return os.WriteFile(filepath.Join(folder, key), []byte(b.ID), 0o600)
}
