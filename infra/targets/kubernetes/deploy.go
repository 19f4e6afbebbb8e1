package kubernetes

import (
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/build/image"
	"escala/infra/deploy"
)

// Deploy pushes the image to the registry and registers the workload on the
// cluster.
func (t *Kubernetes) Deploy(component *deploy.Component) (deploy.Endpoint, error) {
	none := deploy.Endpoint{}
	ctx, r := component.Ctx, component.Request
	c, err := t.settings.cluster(r)
	if err != nil && !r.Offline {
		return none, fmt.Errorf("reading the kubeconfig: the context %w", err)
	}
	id, err := t.identify(ctx.Context(), c, r)
	if err != nil {
		return none, err
	}
	if err := t.checkCertManager(ctx.Context(), c, r); err != nil {
		return none, err
	}
	// The provider gets the path and the context, not the content: its configuration
	// is stored in the state, and the content may contain a login.
	login := &kubernetes.ProviderArgs{}
	if c.path != "" {
		login.Kubeconfig = pulumi.String(c.path)
	}
	if c.context != "" {
		login.Context = pulumi.String(c.context)
	}
	provider, err := NewProvider(ctx, component.Name("cluster"), pulumi.String(id), login, pulumi.Parent(component))
	if err != nil {
		return none, err
	}
	var repository pulumi.StringInput
	if t.settings.Registry != "" {
		repository = pulumi.String(t.settings.Registry)
	}
	reference, err := ImageOf(ctx, r, t.settings.WorkloadSettings, repository, image.Credentials{})
	if err != nil {
		return none, err
	}
	args := &WorkloadArgs{
		Request:     r,
		Settings:    t.settings.WorkloadSettings,
		Provider:    provider,
		Kubeconfig:  pulumi.String(c.kubeconfig),
		Image:       reference,
		Platforms:   t.Platforms(),
		CertManager: t.certManager(r.Spec),
	}
	if t.settings.IngressClass != "" {
		args.IngressClass = pulumi.String(t.settings.IngressClass)
	}
	w, err := NewWorkload(ctx, r.Spec.Name, args, pulumi.Parent(component))
	if err != nil {
		return none, err
	}
	served := pulumi.All(w.Release).ApplyT(func([]any) string { return id }).(pulumi.StringOutput)
	outputs := w.Outputs()
	outputs[clusterOutput] = served
	return deploy.Endpoint{URL: w.URL, Release: w.Release, Outputs: outputs}, nil
}
