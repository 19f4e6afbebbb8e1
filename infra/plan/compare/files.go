package compare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"escala/infra/plan"
)

// contents returns the contents of a stack's files by machine and path.
// Manifests are below "manifests".
func contents(s plan.Stack) map[string]string {
	all := map[string]string{}
	for _, m := range s.Machines {
		for _, f := range m.Files {
			// cloud-init may write a file in several parts.
			all[filepath.Join(m.Name, f.Path)] += f.Content
		}
	}
	for _, f := range s.Manifests {
		all[filepath.Join("manifests", f.Path)] = f.Content
	}
	return all
}

func files(ctx context.Context, before, after map[string]string) ([]File, error) {
	var paths []string
	for path := range before {
		paths = append(paths, path)
	}
	for path := range after {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	var changed []File
	for _, path := range slices.Compact(paths) {
		old, was := before[path]
		now, is := after[path]
		if was && is && old == now {
			continue
		}
		f := File{Path: path, Change: Changed}
		if !was {
			f.Change = Added
		}
		if !is {
			f.Change = Removed
		}
		var err error
		if f.Diff, err = unified(ctx, path, old, now); err != nil {
			return nil, fmt.Errorf("comparing %s: %w", path, err)
		}
		changed = append(changed, f)
	}
	return changed, nil
}

// unified returns the difference of two texts in the unified format. It uses
// git, which is installed wherever commits are compared.
func unified(ctx context.Context, path, before, after string) (string, error) {
	dir, err := os.MkdirTemp("", "escala-diff-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	for name, content := range map[string]string{"before": before, "after": after} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return "", err
		}
	}
	cmd := exec.CommandContext(ctx, "git", "diff", "--no-index", "--no-color", "--no-ext-diff", "--unified=3", "before", "after")
	cmd.Dir = dir
	var out, wrong bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &wrong
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		return "", fmt.Errorf("git diff: %w: %s", err, strings.TrimSpace(wrong.String()))
	}
	// The lines before the first hunk hold the names of the temporary files.
	_, hunks, ok := strings.Cut(out.String(), "\n@@ ")
	if !ok {
		return "", nil
	}
	return fmt.Sprintf("--- a/%s\n+++ b/%s\n@@ %s", path, path, hunks), nil
}
