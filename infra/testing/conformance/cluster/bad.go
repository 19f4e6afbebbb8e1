package cluster

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"escala/infra/testing/conformance"
)

// ReleaseBad updates the stack with the sources of a bad service.
func (s *System) ReleaseBad(ctx context.Context, bad conformance.Bad) (string, error) {
	switch bad {
	case conformance.HangsOnTerm:
		return "", conformance.NotApplicable("a pod that ignores SIGTERM is killed when its grace is over, after it was taken out of the service: that costs no request, so nothing looks for it")
	case conformance.WrongChecksum, conformance.Truncated:
		return "", conformance.NotApplicable("an image is named by its digest: a registry refuses bytes that do not match it, and so does each node")
	case conformance.WrongArchitecture:
		return s.releaseForOtherArch(ctx)
	}
	if err := s.Stack.Clone.Bad(bad); err != nil {
		return "", err
	}
	return s.refused(ctx, string(bad))
}

// refused updates the stack with a release that must be refused, and returns
// the reported reasons.
func (s *System) refused(ctx context.Context, what string) (string, error) {
	delete(s.Stack.Config, "release")
	_, err := s.Stack.Up(ctx)
	if err == nil {
		return "", fmt.Errorf("%q: %w", what, conformance.ErrAccepted)
	}
	return Diagnostics(err.Error()), nil
}

// releaseForOtherArch releases an image for a processor that no node has.
func (s *System) releaseForOtherArch(ctx context.Context) (string, error) {
	there, err := s.client.architectures(ctx)
	if err != nil {
		return "", err
	}
	for _, other := range []string{"arm64", "amd64"} {
		if there[other] {
			continue
		}
		undo := s.changeSettings(func(settings map[string]any) { settings["architectures"] = []string{other} })
		defer undo()
		return s.refused(ctx, string(conformance.WrongArchitecture))
	}
	return "", conformance.NotApplicable("the cluster has nodes of every processor that images are built for")
}

// changeSettings changes the target's settings until undo is called.
func (s *System) changeSettings(change func(settings map[string]any)) (undo func()) {
	settings := s.Stack.Config["kubernetes"].(map[string]any)
	changed := maps.Clone(settings)
	change(changed)
	s.Stack.Config["kubernetes"] = changed
	return func() { s.Stack.Config["kubernetes"] = settings }
}

// ReleaseMissing releases an image that the registry does not have.
func (s *System) ReleaseMissing(ctx context.Context) (string, error) {
	undo := s.changeSettings(func(settings map[string]any) {
		settings["image"] = fmt.Sprintf("%s@sha256:%064d", settings["registry"], 1)
		delete(settings, "registry")
	})
	defer undo()
	return s.refused(ctx, "an image that is not there")
}

// Diagnostics extracts the errors from the engine's display.
func Diagnostics(display string) string {
	if _, after, ok := strings.Cut(display, "Diagnostics:"); ok {
		display = after
	}
	for _, next := range []string{"\nOutputs:", "\nResources:"} {
		display, _, _ = strings.Cut(display, next)
	}
	if _, after, ok := strings.Cut(display, "error: "); ok {
		display = after
	}
	return strings.TrimSpace(display)
}
