package build

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"escala/service"
)

// buildFolder returns the folder of all builds. Each has its SHA-256 as its name.
func buildFolder(state string) string { return filepath.Join(state, "build") }

// workFolder makes a folder for incomplete files. The caller removes it.
func workFolder(state string) (string, error) {
	if err := os.MkdirAll(buildFolder(state), 0o755); err != nil {
		return "", fmt.Errorf("making the build folder: %w", err)
	}
	work, err := os.MkdirTemp(buildFolder(state), ".build-")
	if err != nil {
		return "", fmt.Errorf("making the build folder: %w", err)
	}
	return work, nil
}

// store moves a complete file from the work folder to the builds.
func store(file, state string) (Release, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return Release{}, fmt.Errorf("reading the build: %w", err)
	}
	built := Release{Release: service.ReleaseOf(content)}
	built.Path = filepath.Join(buildFolder(state), string(built.ID))
	if err := os.Rename(file, built.Path); err != nil {
		return Release{}, fmt.Errorf("storing the build: %w", err)
	}
	if err := prune(buildFolder(state)); err != nil {
		return Release{}, fmt.Errorf("removing old builds: %w", err)
	}
	return built, nil
}

// storeCopy copies a built program to the builds.
func storeCopy(path, state string) (Release, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return Release{}, err
	}
	work, err := workFolder(state)
	if err != nil {
		return Release{}, err
	}
	defer os.RemoveAll(work)
	part := filepath.Join(work, "program")
	if err := os.WriteFile(part, content, 0o755); err != nil {
		return Release{}, fmt.Errorf("copying %s: %w", path, err)
	}
	return store(part, state)
}

// keptBuilds is the number of builds that stay in the folder: enough for several
// programs, for two updates at once, and for services of two platforms.
const keptBuilds = 16

// prune removes all but the newest builds. Release stores have the releases.
func prune(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var built []os.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			built = append(built, info)
		}
	}
	slices.SortFunc(built, func(a, b os.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, info := range built[min(keptBuilds, len(built)):] {
		if err := os.Remove(filepath.Join(folder, info.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
