package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"escala/infra/build"
	"escala/infra/testing/conformance"
	"escala/service"
)

// pinKey is the configuration key that pins a release for a rollback.
const pinKey = "release"

// up does what `make up` does.
func (s *System) up(ctx context.Context) error {
	u, err := s.stack.Up(ctx)
	if err != nil {
		return shortened(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.good = append(s.good, u.Outputs["release"])
	return nil
}

// lastGood returns the good release that was rolled out last.
func (s *System) lastGood() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.good[len(s.good)-1]
}

// shortened reduces the engine's display to its errors.
func shortened(err error) error {
	_, rest, found := strings.Cut(err.Error(), "error: ")
	if !found {
		return err
	}
	return errors.New(rest[:min(len(rest), 1500)])
}

func (s *System) Release(ctx context.Context, name string) error {
	delete(s.stack.Config, pinKey)
	if err := s.stack.Clone.Good(name); err != nil {
		return err
	}
	return s.up(ctx)
}

// Rollback does what `make rollback` does.
func (s *System) Rollback(ctx context.Context) error {
	if len(s.good) < 2 {
		return errors.New("there is no release to go back to")
	}
	s.stack.Config[pinKey] = s.good[len(s.good)-2][:12]
	return s.up(ctx)
}

func (s *System) ReleaseBad(ctx context.Context, bad conformance.Bad) (string, error) {
	switch bad {
	case conformance.WrongChecksum, conformance.Truncated, conformance.WrongArchitecture:
		return s.tamper(ctx, bad)
	case conformance.ExitsAtOnce, conformance.NeverReady, conformance.Answers500, conformance.HangsOnTerm:
	}
	if err := s.stack.Clone.Bad(bad); err != nil {
		return "", err
	}
	if _, err := s.stack.Up(ctx); err == nil {
		return "", conformance.ErrAccepted
	}
	status, err := s.Status(ctx)
	if err != nil {
		return "", fmt.Errorf("the update failed, and so did asking the machine why: %w", err)
	}
	return status.Reason, nil
}

// tamper puts a damaged release file into the store and points to it, as a
// faulty disk or transfer would damage a good release.
func (s *System) tamper(ctx context.Context, bad conformance.Bad) (string, error) {
	store, err := s.store()
	if err != nil {
		return "", err
	}
	if err := s.stack.Clone.Good(string(bad)); err != nil {
		return "", err
	}
	platform := build.Platform{OS: "linux", Arch: runtime.GOARCH}
	if bad == conformance.WrongArchitecture {
		platform.Arch = map[string]string{"arm64": "amd64"}[runtime.GOARCH]
		if platform.Arch == "" {
			platform.Arch = "arm64"
		}
	}
	built, err := build.Service(ctx, s.folder, s.state(), platform)
	if err != nil {
		return "", err
	}
	content, err := os.ReadFile(built.Path)
	if err != nil {
		return "", fmt.Errorf("reading what was built: %w", err)
	}
	release := service.ReleaseOf(content)
	switch bad {
	case conformance.WrongChecksum:
		content[len(content)/2] ^= 1
	case conformance.Truncated:
		content = content[:len(content)/2]
	}
	if err := os.WriteFile(filepath.Join(store, "releases", string(release.ID)), content, 0o644); err != nil {
		return "", fmt.Errorf("storing a release: %w", err)
	}
	if err := writePointer(store, release.Pointer()); err != nil {
		return "", err
	}
	return s.awaitRefusal(ctx, release.ID)
}

// awaitRefusal waits until the machine reports why it refuses a release.
func (s *System) awaitRefusal(ctx context.Context, release service.ReleaseID) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	for {
		status, err := s.Status(ctx)
		switch {
		case err == nil && status.Serving == string(release):
			return "", conformance.ErrAccepted
		case err == nil && status.Wanted == string(release) && status.Reason != "":
			return status.Reason, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("the machine does not say what is wrong with release %.12s", release)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
