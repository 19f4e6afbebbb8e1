package kubernetes

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/targets/kubernetes/rollout"
	"escala/service"
)

// parts registers a workload's objects.
type parts struct {
	ctx  *pulumi.Context
	name string
	args *WorkloadArgs
	spec service.Spec
	// workload is the parent of all objects.
	workload *Workload
	// options are the options of every object. They include the namespace once it is
	// registered.
	options []pulumi.ResourceOption
	// pullSecret is the name of the secret with WorkloadArgs.PullLogin, or nil.
	pullSecret pulumi.StringPtrInput
	// image is WorkloadArgs.Image. With a release command it resolves once the
	// command has succeeded.
	image pulumi.StringInput
	// variables refers to the pods' environment once it is registered.
	variables corev1.EnvFromSourceArray
	// registered are the objects that the gate waits for.
	registered []pulumi.CustomResource
}

func newParts(ctx *pulumi.Context, name string, args *WorkloadArgs, w *Workload) *parts {
	return &parts{
		ctx: ctx, name: name, args: args, spec: args.Request.Spec, workload: w, image: args.Image,
		options: []pulumi.ResourceOption{
			pulumi.Parent(w), pulumi.Provider(args.Provider), pulumi.DependsOn(args.DependsOn),
		},
	}
}

// register registers all objects in the order of their dependencies. Objects
// that the pods read, or that protect them, are made before the pods and
// deleted after them.
func (p *parts) register() error {
	if err := p.ownNamespace(); err != nil {
		return err
	}
	if p.spec.Redis.Mode == service.RedisLocal {
		if err := p.redis(); err != nil {
			return err
		}
	}
	var err error
	if p.variables, err = p.environment(); err != nil {
		return err
	}
	for _, next := range []func() error{
		p.pullLogin, p.serviceAccount, p.networkPolicy, p.tasksPolicy, p.service, p.ingress, p.disruptionBudget,
		p.releaseCommand, p.processes,
		func() error { return p.deployment(p.variables) },
		p.autoscaler,
	} {
		if err := next(); err != nil {
			return err
		}
	}
	return nil
}

// object adds a registered object to those that the gate waits for.
func (p *parts) object(r pulumi.CustomResource) { p.registered = append(p.registered, r) }

// after returns the options of an object that depends on everything registered
// so far.
func (p *parts) after() []pulumi.ResourceOption {
	var all []pulumi.Resource
	for _, r := range p.registered {
		all = append(all, r)
	}
	return append(p.options[:len(p.options):len(p.options)], pulumi.DependsOn(all))
}

// namespace returns the name of the service's namespace.
func (p *parts) namespace() string { return p.args.Settings.namespace(p.spec) }

// logical returns an object's logical name in the program.
func (p *parts) logical(part string) string { return p.name + "-" + part }

// These are values of the label that distinguishes a workload's pods.
const (
	componentService = "service"
	componentRedis   = "redis"
	componentRelease = rollout.ReleaseComponent
)

// selector selects the pods of a component. A Deployment's selector is immutable,
// so it has no more labels than necessary.
func (p *parts) selector(component string) pulumi.StringMap {
	return pulumi.StringMap{
		"app.kubernetes.io/name":      pulumi.String(p.spec.Name),
		"app.kubernetes.io/component": pulumi.String(component),
	}
}

// choose returns selector as a LabelSelector.
func (p *parts) choose(component string) *metav1.LabelSelectorArgs {
	return &metav1.LabelSelectorArgs{MatchLabels: p.selector(component)}
}

// labels returns the labels of every object of a component.
func (p *parts) labels(component string) pulumi.StringMap {
	all := p.selector(component)
	all["app.kubernetes.io/managed-by"] = pulumi.String("escala")
	return all
}

func (p *parts) meta(name, component string, annotations pulumi.StringMap) *metav1.ObjectMetaArgs {
	m := &metav1.ObjectMetaArgs{
		Name:      pulumi.String(name),
		Namespace: pulumi.String(p.namespace()),
		Labels:    p.labels(component),
	}
	if len(annotations) > 0 {
		m.Annotations = annotations
	}
	return m
}

// unnamed returns the metadata of an object whose name Pulumi generates: the
// logical name and eight random digits, which differ for each replacement.
func (p *parts) unnamed() *metav1.ObjectMetaArgs {
	return &metav1.ObjectMetaArgs{Namespace: pulumi.String(p.namespace()), Labels: p.labels(componentService)}
}

// skipAwait is the annotation that stops pulumi-kubernetes from waiting for a
// rollout or an address. The gate waits instead: it reports the pods' own reasons
// and fails as soon as the failure is certain. Pulumi still waits for the
// namespace's deletion, and so for the deletion of the objects in it.
const skipAwait = "pulumi.com/skipAwait"

func notAwaited() pulumi.StringMap { return pulumi.StringMap{skipAwait: pulumi.String("true")} }
