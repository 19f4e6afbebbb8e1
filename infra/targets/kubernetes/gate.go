package kubernetes

import (
	"context"
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
	"escala/infra/targets/kubernetes/rollout"
	"escala/service"
)

// gate sets the workload's outputs. They resolve once all pods run the release and
// the address serves it. Otherwise they fail, and the update fails with them. The
// wait begins when all objects are registered. A preview does not wait: it knows
// the release, and takes what comes from the cluster from the last update's
// outputs.
func (p *parts) gate(w *Workload) {
	kubeconfig := p.args.Kubeconfig
	if kubeconfig == nil {
		kubeconfig = pulumi.String("")
	}
	release := p.args.Image.ToStringOutput().ApplyT(func(image string) string {
		id, _ := service.ReleaseOfImage(image)
		return string(id)
	}).(pulumi.StringOutput)
	if p.ctx.DryRun() {
		w.URL, w.Release = p.plannedURL(), release
		w.Address, w.HTTPS = p.last(deploy.OutputAddress), p.last(deploy.OutputHTTPS)
		return
	}
	waits := []any{kubeconfig, p.args.Image}
	for _, r := range p.registered {
		waits = append(waits, r.ID())
	}
	served := pulumi.All(waits...).ApplyTWithContext(p.ctx.Context(), func(wait context.Context, v []any) (map[string]string, error) {
		r := p.rollout()
		r.Kubeconfig, r.Image = v[0].(string), v[1].(string)
		is, err := r.Wait(wait)
		if failed := p.args.Request.Failed; err != nil && failed != nil {
			failed(wait, err)
		}
		if err != nil {
			return nil, err
		}
		if is.Missing != "" {
			// A failure to show the warning is not an error.
			_ = p.ctx.Log.Warn("the release serves, but "+is.Missing, &pulumi.LogArgs{Resource: p.workload})
		}
		return map[string]string{"url": is.URL, deploy.OutputAddress: is.Address, deploy.OutputHTTPS: is.HTTPS}, nil
	})
	// Pulumi treats the result as secret because the cluster's login is one of its
	// inputs. It contains no secret.
	plain := pulumi.Unsecret(served).(pulumi.StringMapOutput)
	w.URL = plain.MapIndex(pulumi.String("url"))
	w.Address, w.HTTPS = plain.MapIndex(pulumi.String(deploy.OutputAddress)), plain.MapIndex(pulumi.String(deploy.OutputHTTPS))
	w.Release = pulumi.All(release, w.URL).ApplyT(func(v []any) string { return v[0].(string) }).(pulumi.StringOutput)
}

// report shows a line of progress. A failure to show it must not fail the update.
func (p *parts) report(s string) {
	_ = p.ctx.Log.Info(s, &pulumi.LogArgs{Resource: p.workload, Ephemeral: true})
}

// last returns an output of the last update, or an unknown output.
func (p *parts) last(output string) pulumi.StringOutput {
	if value, _ := p.args.Request.Outputs[output].(string); value != "" {
		return pulumi.String(value).ToStringOutput()
	}
	return unknown()
}

func unknown() pulumi.StringOutput { return pulumi.Sprintf("%v", pulumi.UnsafeUnknownOutput(nil)) }

// plannedURL returns the address if it is known without asking the cluster, and
// otherwise an unknown output.
func (p *parts) plannedURL() pulumi.StringOutput {
	switch {
	case p.args.Settings.URL != "":
		return pulumi.String(p.args.Settings.URL).ToStringOutput()
	case p.spec.Host != "":
		return pulumi.String(p.scheme() + "://" + p.spec.Host).ToStringOutput()
	default:
		return unknown()
	}
}

// rollout returns the parameters of the wait, except those that only the update
// knows.
func (p *parts) rollout() rollout.Rollout {
	r := rollout.Rollout{
		Namespace:      p.namespace(),
		Deployment:     p.spec.Name,
		Pods:           p.spec.Scale.MinPods(),
		Ingress:        p.spec.Name,
		Scheme:         p.scheme(),
		Host:           p.spec.Host,
		Names:          p.spec.HostNames(),
		ManagedRecords: p.args.Recorded,
		Addressed:      p.args.Addressed,
		Issued:         p.issued(),
		URL:            p.args.Settings.URL,
		HealthPath:     p.spec.HealthPath,
		Probe:          rollout.Probe(p.args.Settings.GateAddress),
		CA:             p.args.gateCA(),
		Bake:           p.args.Request.Bake,
		Port:           p.spec.Port,
		Steady:         p.spec.Lifecycle.Steady,
		Timeout:        p.args.Request.GateTimeout,
		Report:         p.report,
	}
	r.Dependencies = dependencies(p.spec)
	// A program without escala's runtime does not report its release.
	if built := p.args.Request.Image; built != nil && p.spec.Runtime != service.RuntimeNone {
		r.Releases = slices.Sorted(maps.Values(built.Releases()))
	}
	return r
}

// dependencies returns the names of the Deployments beside the service's own: Redis, and
// the processes.
func dependencies(spec service.Spec) []string {
	var names []string
	if spec.Redis.Mode == service.RedisLocal {
		names = append(names, redisName(spec))
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Processes)) {
		names = append(names, TaskName(spec, name))
	}
	return names
}
