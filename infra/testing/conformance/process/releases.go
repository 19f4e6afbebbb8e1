package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"escala/infra/build"
	"escala/infra/testing/conformance"
	"escala/service"
	"escala/service/status"
)

// build compiles the clone's service in its present state.
func (s *System) build(ctx context.Context, name string, env ...string) (string, error) {
	path := filepath.Join(s.folder, "built-"+name)
	cmd := exec.CommandContext(ctx, "go", build.Arguments(path, "./service/cmd/api")...)
	cmd.Dir = s.clone.Root
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the service: %w:\n%s", err, out)
	}
	return path, nil
}

// install replaces the running program's file as a deploy does: it writes the
// new file beside the old one and renames it. The appended bytes make it
// another release; the kernel ignores them.
func (s *System) install(ctx context.Context, from, appended string) error {
	supervised := from
	if appended != "" {
		supervised = filepath.Join(s.folder, fmt.Sprintf("release-%d", len(s.good)))
		content, err := os.ReadFile(from)
		if err != nil {
			return fmt.Errorf("reading a release: %w", err)
		}
		if err := os.WriteFile(supervised, append(content, appended...), 0o755); err != nil {
			return fmt.Errorf("making a release: %w", err)
		}
		s.good = append(s.good, supervised)
	}
	content, err := os.ReadFile(supervised)
	if err != nil {
		return fmt.Errorf("reading a release: %w", err)
	}
	// Another process copies the file. If this process wrote it, a child that
	// is being started could still hold it open for writing, and the kernel
	// would refuse to run it.
	cp := exec.CommandContext(ctx, "sh", "-c", `cp "$1" "$2.new" && chmod 755 "$2.new" && mv "$2.new" "$2"`, "install", supervised, s.program)
	if out, err := cp.CombinedOutput(); err != nil {
		return fmt.Errorf("installing a release: %w: %s", err, out)
	}
	id := string(service.ReleaseOf(content).ID)
	s.wanted.Store(&id)
	return nil
}

// rollTime is the limit for replacing all workers.
const rollTime = 2 * time.Minute

func (s *System) Release(ctx context.Context, name string) error {
	if err := s.install(ctx, s.built, name); err != nil {
		return err
	}
	return s.roll(ctx)
}

func (s *System) Rollback(ctx context.Context) error {
	if len(s.good) < 2 {
		return errors.New("there is no release to go back to")
	}
	if err := s.install(ctx, s.good[len(s.good)-2], ""); err != nil {
		return err
	}
	return s.roll(ctx)
}

func (s *System) roll(ctx context.Context) error {
	if err := s.primary.signal(syscall.SIGHUP); err != nil {
		return err
	}
	return s.awaitServing(ctx, *s.wanted.Load(), rollTime)
}

// awaitServing waits until all workers serve the release and no earlier one is
// left.
func (s *System) awaitServing(ctx context.Context, release string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		var c status.Report
		err := status.Read(ctx, filepath.Join(s.runDir(), status.PrimarySocket), &c)
		ready := 0
		for _, w := range c.Workers {
			if w.Ready && w.Release == release {
				ready++
			}
		}
		switch {
		case err == nil && ready == workers && len(c.Workers) == workers:
			return nil
		case c.Roll != nil && c.Roll.State == "aborted" && c.Roll.Release == release:
			return errors.New(c.Roll.Error)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("release %.12s does not serve on all workers after %s", release, limit)
		case <-s.primary.done:
			return errors.New("the primary does not come back; it wrote:\n" + s.primary.lastLines())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *System) ReleaseBad(ctx context.Context, bad conformance.Bad) (string, error) {
	var path string
	var err error
	switch bad {
	case conformance.WrongChecksum:
		return "", conformance.NotApplicable("a release is the file that was put in place: nothing says what its checksum should be")
	case conformance.WrongArchitecture:
		other := "arm64"
		if runtime.GOARCH == other {
			other = "amd64"
		}
		path, err = s.build(ctx, "other", "GOARCH="+other)
	case conformance.Truncated:
		if path, err = s.build(ctx, "truncated"); err == nil {
			err = os.Truncate(path, 1<<20)
		}
	default:
		if err = s.clone.Bad(bad); err == nil {
			path, err = s.build(ctx, "bad")
		}
	}
	if err != nil {
		return "", err
	}
	if err := s.install(ctx, path, ""); err != nil {
		return "", err
	}
	refused := s.roll(ctx)
	if refused == nil {
		return "", conformance.ErrAccepted
	}
	st, err := s.Status(ctx)
	if err != nil {
		return "", fmt.Errorf("asking for the status after a roll that failed: %w: %w", refused, err)
	}
	if st.Reason == "" {
		return "", fmt.Errorf("the status does not say why the roll ended: %w", refused)
	}
	return refused.Error(), nil
}
