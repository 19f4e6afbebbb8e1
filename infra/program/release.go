package program

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/build"
	"escala/infra/build/image"
	"escala/infra/deploy"
	"escala/infra/stackconfig"
	"escala/service"
)

// prepare sets the request's agent and release. The release is the earlier one
// that the configuration pins, the image that it names, or the one that the
// source code produces.
func prepare(ctx *pulumi.Context, root string, chosen deploy.Target, past deploy.History, pin string, r *deploy.Request) error {
	var err error
	if machine, ok := chosen.(deploy.Machine); ok {
		if r.Agent, err = build.AgentTool.For(ctx.Context(), r.Home, r.State, machine.Platform()); err != nil {
			return fmt.Errorf("building the machine's agent: %w", err)
		}
	}
	if pin != "" {
		r.Release, err = pinned(ctx, past, pin, r.State)
		return err
	}
	source := build.SourceOf(root, r.Spec)
	switch t := chosen.(type) {
	case deploy.Machine:
		r.Release, err = source.Service(reporting(ctx), r.State, t.Platform())
		return err
	case deploy.Cluster:
		if existing := t.ExistingImage(); existing != "" {
			r.Release, err = releaseOfImage(existing)
			return err
		}
		if r.Image, err = packed(reporting(ctx), source, t.Platforms(), *r); err != nil {
			return err
		}
		r.Release, err = releaseOfImage(r.Image.Digest())
		return err
	default:
		return fmt.Errorf("target %s takes neither binaries nor images", chosen.Name())
	}
}

// placeOf returns where the target runs a program that is built here. ok is false
// for an existing image.
func placeOf(chosen deploy.Target) (place build.Place, ok bool) {
	switch t := chosen.(type) {
	case deploy.Machine:
		return build.Place{Platforms: []build.Platform{t.Platform()}, Libraries: true}, true
	case deploy.Cluster:
		return build.Place{Platforms: t.Platforms()}, t.ExistingImage() == ""
	}
	return build.Place{}, false
}

// releaseOfImage returns the release of an image. reference is a digest or a
// reference by digest.
func releaseOfImage(reference string) (build.Release, error) {
	id, ok := service.ReleaseOfImage(reference)
	if !ok {
		return build.Release{}, fmt.Errorf("the image %q is not named by its digest (host/path@sha256:…)", reference)
	}
	return build.Release{Release: service.Release{ID: id}}, nil
}

// packed builds the service and packs it as an image for several platforms.
func packed(ctx context.Context, source build.Source, platforms []build.Platform, r deploy.Request) (*image.Image, error) {
	built, err := source.Services(ctx, r.State, platforms...)
	if err != nil {
		return nil, err
	}
	binaries := make(map[build.Platform]string, len(built))
	for platform, release := range built {
		binaries[platform] = release.Path
	}
	return image.Build(ctx, image.Args{
		Binaries: binaries, Name: r.Spec.Name, Port: r.Spec.Port,
		Runtime: r.Spec.Runtime, Arguments: r.Spec.StartCommand(r.Spec.Name)[1:],
	})
}

// pinned returns the earlier release that the configuration pins.
func pinned(ctx *pulumi.Context, past deploy.History, pin, state string) (build.Release, error) {
	release, err := past.Find(pin)
	if err != nil {
		var v service.Violations
		v.Add("release", "%s", err)
		return build.Release{}, stackconfig.Error(ctx.Stack(), v)
	}
	say := fmt.Sprintf("release %s is pinned by escala:release: what the source makes is not released before make unpin, or pulumi config rm escala:release", release.ID.Short())
	// A failure to show a message is not an error.
	_ = ctx.Log.Info(say, nil)
	return build.Earlier(state, release), nil
}
