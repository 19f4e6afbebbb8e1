package kubernetes

import (
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

// parts registers a workload's objects.
type parts struct {
	ctx  *pulumi.Context
	name string
	args *WorkloadArgs
	spec service.Spec
	// workload is the component that everything is under.
	workload *Workload
	// options are those of every object; the namespace joins them once it is
	// registered.
	options []pulumi.ResourceOption
	// pullSecret is the name of the secret with WorkloadArgs.PullLogin, or nil.
	pullSecret pulumi.StringPtrInput
	// registered is what the gate waits for.
	registered []pulumi.CustomResource
}

func newParts(ctx *pulumi.Context, name string, args *WorkloadArgs, w *Workload) *parts {
	return &parts{
		ctx: ctx, name: name, args: args, spec: args.Request.Spec, workload: w,
		options: []pulumi.ResourceOption{
			pulumi.Parent(w), pulumi.Provider(args.Provider), pulumi.DependsOn(args.DependsOn),
		},
	}
}

// register registers everything, in the order in which a cluster wants it: what
// the pods read, and what guards them, is there before them, and goes after
// them.
func (p *parts) register() error {
	if err := p.namespace(); err != nil {
		return err
	}
	if p.spec.Redis.Mode == service.RedisLocal {
		if err := p.redis(); err != nil {
			return err
		}
	}
	environment, err := p.environment()
	if err != nil {
		return err
	}
	for _, next := range []func() error{
		p.pullLogin, p.serviceAccount, p.networkPolicy, p.service, p.ingress, p.disruptionBudget,
		func() error { return p.deployment(environment) },
		p.autoscaler,
	} {
		if err := next(); err != nil {
			return err
		}
	}
	return nil
}

// object notes a registered object for the gate.
func (p *parts) object(r pulumi.CustomResource) { p.registered = append(p.registered, r) }

// after are the options of what comes after everything that is registered so
// far, and goes before it.
func (p *parts) after() []pulumi.ResourceOption {
	var all []pulumi.Resource
	for _, r := range p.registered {
		all = append(all, r)
	}
	return append(p.options[:len(p.options):len(p.options)], pulumi.DependsOn(all))
}

// in is the namespace's name.
func (p *parts) in() string { return p.args.Settings.namespace(p.spec) }

// logical is the name of an object in the program.
func (p *parts) logical(part string) string { return p.name + "-" + part }

// The values of the label that tells a workload's pods apart.
const (
	componentService = "service"
	componentRedis   = "redis"
)

// selector chooses the pods of a component. It cannot change, so it says no more
// than it has to.
func (p *parts) selector(component string) pulumi.StringMap {
	return pulumi.StringMap{
		"app.kubernetes.io/name":      pulumi.String(p.spec.Name),
		"app.kubernetes.io/component": pulumi.String(component),
	}
}

// choose is selector where an object wants it wrapped.
func (p *parts) choose(component string) *metav1.LabelSelectorArgs {
	return &metav1.LabelSelectorArgs{MatchLabels: p.selector(component)}
}

// labels are those of every object of a component.
func (p *parts) labels(component string) pulumi.StringMap {
	all := p.selector(component)
	all["app.kubernetes.io/managed-by"] = pulumi.String("escala")
	return all
}

// meta is an object's metadata.
func (p *parts) meta(name, component string, annotations pulumi.StringMap) *metav1.ObjectMetaArgs {
	m := &metav1.ObjectMetaArgs{
		Name:      pulumi.String(name),
		Namespace: pulumi.String(p.in()),
		Labels:    p.labels(component),
	}
	if len(annotations) > 0 {
		m.Annotations = annotations
	}
	return m
}

// unnamed is the metadata of an object that Pulumi names: the object's name in
// the program and eight random digits, another one for each replacement.
func (p *parts) unnamed(component string) *metav1.ObjectMetaArgs {
	return &metav1.ObjectMetaArgs{Namespace: pulumi.String(p.in()), Labels: p.labels(component)}
}

// skipAwait keeps pulumi-kubernetes from waiting for a rollout or an address: the
// gate does, says the pods' own reasons, and gives up when that is certain.
// Deletion is waited for all the same, by the namespace's.
const skipAwait = "pulumi.com/skipAwait"

func notAwaited() pulumi.StringMap { return pulumi.StringMap{skipAwait: pulumi.String("true")} }
