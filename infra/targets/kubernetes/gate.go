package kubernetes

import (
	"context"
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/targets/kubernetes/rollout"
	"escala/service"
)

// gate resolves to the address and the release once all pods run the release
// and the address serves it. Otherwise it fails, and the update with it. It
// begins when all objects are registered. A preview does not wait: the release
// is known, and the address only if it does not come from the cluster.
func (p *parts) gate() (url, release pulumi.StringOutput) {
	kubeconfig := p.args.Kubeconfig
	if kubeconfig == nil {
		kubeconfig = pulumi.String("")
	}
	var override pulumi.StringInput = pulumi.String("")
	if p.args.URL != nil {
		override = p.args.URL
	}
	release = p.args.Image.ToStringOutput().ApplyT(func(image string) string {
		id, _ := service.ReleaseOfImage(image)
		return string(id)
	}).(pulumi.StringOutput)
	if p.ctx.DryRun() {
		return p.foreseenURL(), release
	}
	waits := []any{kubeconfig, p.args.Image, override}
	for _, r := range p.registered {
		waits = append(waits, r.ID())
	}
	served := pulumi.All(waits...).ApplyTWithContext(p.ctx.Context(), func(wait context.Context, v []any) (string, error) {
		r := p.rollout()
		r.Kubeconfig, r.Image, r.URL = v[0].(string), v[1].(string), v[2].(string)
		return r.Wait(wait)
	})
	// Pulumi treats the result as secret because the cluster's login is one of its
	// inputs. It contains no secret.
	url = pulumi.Unsecret(served).(pulumi.StringOutput)
	return url, pulumi.All(release, url).ApplyT(func(v []any) string { return v[0].(string) }).(pulumi.StringOutput)
}

// foreseenURL is the address as far as it is known without asking the cluster.
func (p *parts) foreseenURL() pulumi.StringOutput {
	switch {
	case p.args.URL != nil:
		return p.args.URL.ToStringOutput()
	case p.spec.Host != "":
		return pulumi.String(p.scheme() + "://" + p.spec.Host).ToStringOutput()
	default:
		unknown := pulumi.UnsafeUnknownOutput(nil)
		return pulumi.Sprintf("%v", unknown)
	}
}

// rollout returns the wait's parameters, except those that only the update
// knows.
func (p *parts) rollout() rollout.Rollout {
	r := rollout.Rollout{
		Namespace:  p.in(),
		Deployment: p.spec.Name,
		Pods:       p.spec.Scale.Least(),
		Ingress:    p.spec.Name,
		Scheme:     p.scheme(),
		Host:       p.spec.Host,
		HealthPath: p.spec.HealthPath,
		Ask:        rollout.Asked(p.args.Settings.GateAddress),
		CA:         p.args.gateCA(),
		Timeout:    p.args.Request.GateTimeout,
		Report: func(s string) {
			// A progress line that cannot be shown must not fail the update.
			_ = p.ctx.Log.Info(s, &pulumi.LogArgs{Resource: p.workload, Ephemeral: true})
		},
	}
	if p.spec.Redis.Mode == service.RedisLocal {
		r.Others = []string{p.redisName()}
	}
	if built := p.args.Request.Image; built != nil {
		r.Releases = slices.Sorted(maps.Values(built.Releases()))
	}
	return r
}
