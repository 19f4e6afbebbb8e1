// Package program is the Pulumi program. It turns a stack's configuration into
// the outputs that every stack has, whatever its target.
package program

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/build"
	"escala/infra/deploy"
	"escala/infra/stackconfig"
	"escala/infra/workspace"
	"escala/service"
)

// Targets returns the targets that a program can deploy to. Each run needs new ones,
// since they hold configuration.
type Targets func() []deploy.Target

// StateFolder is the folder in the project for all files that remain between updates
// but are not in the repository.
const StateFolder = ".escala"

// New returns the program for the project at root. keys lists all configuration
// keys that are set (see stackconfig.FromPulumi).
func New(root string, keys []string, targets Targets) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		var u Update
		err := u.Program(root, keys, targets)(ctx)
		_ = u.Failed(ctx.Context(), err) // the display shows it
		return err
	}
}

// Offline returns the program for a plan: see deploy.Request.Offline.
func Offline(root string, keys []string, targets Targets) pulumi.RunFunc {
	return new(Update).run(root, keys, targets, true)
}

func (u *Update) run(root string, keys []string, targets Targets, offline bool) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		home, err := workspace.FindHome(root)
		if err != nil {
			return err
		}
		chosen, request, pin, err := read(ctx, root, home, keys, targets(), offline)
		notice := newNotice(ctx, root, request, pin != "")
		u.setNotice(notice)
		if err != nil {
			return err
		}
		outputs, err := deploy.Outputs(ctx)
		if err != nil {
			return err
		}
		request.Outputs = outputs
		past, err := deploy.PastReleases(outputs)
		if err != nil {
			return err
		}
		if err := prepare(ctx, root, chosen, past, pin, &request); err != nil {
			return err
		}
		request.Ask(chosen, pin != "")
		now := past.With(request.Release.Release)
		// A store removes expired releases before it is known whether the new release
		// serves.
		request.Expired = past.Expired(request.Release.Release)
		notice.about(request)
		request.Failed = func(ctx context.Context, err error) { _ = notice.failed(ctx, err) } // the display shows it
		component, err := deploy.NewComponent(ctx, chosen.Section(), request)
		if err != nil {
			return err
		}
		endpoint, err := chosen.Deploy(component)
		if wrong := new(service.Violations); errors.As(err, wrong) {
			return stackconfig.Error(ctx.Stack(), err)
		}
		if err != nil {
			return fmt.Errorf("deploying to %s: %w", chosen.Name(), err)
		}
		if err := component.Complete(endpoint); err != nil {
			return err
		}
		notice.served(endpoint.Release)
		now.Export(ctx, endpoint.Release)
		request.ExportRequestedAt(ctx, endpoint.Release)
		for name, value := range endpoint.Outputs {
			ctx.Export(name, value)
		}
		ctx.Export("url", endpoint.URL)
		ctx.Export("health", pulumi.Sprintf("%s%s", endpoint.URL, request.Spec.HealthPath))
		ctx.Export("release", endpoint.Release)
		ctx.Export("target", pulumi.String(chosen.Name()))
		return nil
	}
}

// read returns the chosen target, the request to it, and the release that the
// configuration pins, if any. The error lists all violations in the configuration.
// Even then, the request has the webhook if the webhook is valid.
func read(ctx *pulumi.Context, root string, home workspace.Home, keys []string, all []deploy.Target, offline bool) (deploy.Target, deploy.Request, string, error) {
	var sections []stackconfig.Section
	for _, t := range all {
		sections = append(sections, stackconfig.Section{Target: t.Name(), Key: t.Section(), Settings: t.Settings()})
	}
	var wrong service.Violations
	c, err := stackconfig.Load(workspace.Namespace, stackconfig.FromPulumi(ctx, root, keys), sections)
	if err != nil && !errors.As(err, &wrong) {
		return nil, deploy.Request{}, "", err
	}
	if secrets := workspace.Namespace + ":secrets"; len(c.Secrets) > 0 && !ctx.IsConfigSecret(secrets) {
		wrong.Add("secrets", "are not encrypted in the configuration; set them with: pulumi config set --secret --path '%s.NAME'", secrets)
	}
	if !checkWebhook(ctx, &wrong, c.Notify.Webhook, offline) {
		c.Notify.Webhook = ""
	}
	if c.Service.Redis.Prefix == "" {
		c.Service.Redis.Prefix = service.DefaultRedisPrefix(c.Service.Name, ctx.Stack())
	}
	request := deploy.Request{
		Spec:        c.Service,
		Secrets:     c.Secrets,
		State:       filepath.Join(root, StateFolder),
		GateTimeout: c.Gate.Timeout,
		Webhook:     c.Notify.Webhook,
		AlarmEmails: c.Notify.Email,
		Project:     ctx.Project(),
		Stack:       ctx.Stack(),
		Home:        home,
		// Nothing is built until all violations are reported, so the hash is a
		// placeholder.
		Agent:          build.Release{Release: service.Release{ID: service.ReleaseID(strings.Repeat("0", 64))}},
		Offline:        offline,
		ProviderConfig: ctx.GetConfig,
	}
	i := slices.IndexFunc(all, func(t deploy.Target) bool { return t.Name() == c.Target })
	if i < 0 {
		// No target is selected, so target settings cannot be checked.
		return nil, request, c.Release, stackconfig.Error(ctx.Stack(), wrong)
	}
	var ofTarget service.Violations
	if err := all[i].Check(ctx.Context(), request); err != nil && !errors.As(err, &ofTarget) {
		return nil, request, c.Release, err
	}
	wrong = append(wrong, ofTarget...)
	// The source has no effect on an earlier release. An existing image needs no
	// source, and only a valid target names the image.
	if place, ok := placeOf(all[i]); ok && c.Release == "" && len(wrong) == 0 {
		source := build.SourceOf(root, c.Service)
		wrong = append(wrong, source.Check(ctx.Context(), place).Under("service")...)
	}
	return all[i], request, c.Release, stackconfig.Error(ctx.Stack(), wrong.Err())
}
