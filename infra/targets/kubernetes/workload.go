package kubernetes

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/build"
	"escala/infra/deploy"
)

// WorkloadArgs say what a Workload runs, and on which cluster.
type WorkloadArgs struct {
	// Request is what the target was asked to run. Its description is rendered as
	// it is; a target that needs other times changes its own copy before.
	Request deploy.Request
	// Settings are the workload's part of the target's section.
	Settings WorkloadSettings
	// Provider is the cluster's pulumi-kubernetes provider: make it with
	// NewProvider.
	Provider pulumi.ProviderResource
	// Kubeconfig is the content of a kubeconfig whose current context is the
	// cluster, for the gate. It is an input of no resource, so it is kept in no
	// state.
	Kubeconfig pulumi.StringInput
	// Image is the image's reference by digest, "repository@sha256:…": see
	// ImageOf.
	Image pulumi.StringInput
	// PullLogin is the content of a docker configuration (kubernetes.io/
	// dockerconfigjson) that lets nodes fetch the image. Nil where they need none,
	// or the settings name a secret. It is treated as a secret.
	PullLogin pulumi.StringInput
	// Platforms are those that the image is for. Nodes of others get no pods.
	// Nil is every one.
	Platforms []build.Platform
	// IngressClass is the class of the ingress controller. Nil is the cluster's
	// default class.
	IngressClass pulumi.StringInput
	// IngressAnnotations are the ingress controller's (alb.ingress.kubernetes.io/…).
	IngressAnnotations pulumi.StringMapInput
	// NamespaceLabels are put on the namespace beside those of pod security
	// (elbv2.k8s.aws/pod-readiness-gate-inject: enabled).
	NamespaceLabels pulumi.StringMapInput
	// IPFamilies are the Service's, "IPv4" and "IPv6". Nil is the cluster's
	// default, and both where it has both.
	IPFamilies pulumi.StringArrayInput
	// HTTPS says that the ingress controller ends TLS without a secret, with a
	// certificate of its own (an ALB's).
	HTTPS bool
	// URL is where the public reaches the ingress, for a cluster whose Ingress
	// has no address of its own (kind). Nil takes the Ingress'.
	URL pulumi.StringInput
	// SpreadZonesOnly spreads pods over zones and not over nodes, for clusters that
	// make their nodes for the pods: those take the wish for other nodes as an
	// order.
	SpreadZonesOnly bool
	// DependsOn is what must be there as long as anything of the workload is:
	// nodes, ingress controller, metrics.
	DependsOn []pulumi.Resource
}

// Workload is a service on a cluster: namespace, pods, their number, the way
// in, and Redis where the description wants it.
type Workload struct {
	pulumi.ResourceState

	// URL is where the service is reached, without a slash at its end. It
	// resolves once all pods run the release and the address serves it.
	URL pulumi.StringOutput
	// Release is the digest of the image that serves, without "sha256:". It
	// resolves with URL.
	Release pulumi.StringOutput
}

// NewWorkload registers the component escala:kubernetes:Workload. What can be
// wrong with args is said by Check, which a target calls before.
func NewWorkload(ctx *pulumi.Context, name string, args *WorkloadArgs, opts ...pulumi.ResourceOption) (*Workload, error) {
	w := &Workload{}
	if err := ctx.RegisterComponentResource("escala:kubernetes:Workload", name, w, opts...); err != nil {
		return nil, fmt.Errorf("registering the workload: %w", err)
	}
	p := newParts(ctx, name, args, w)
	if err := p.register(); err != nil {
		return nil, err
	}
	w.URL, w.Release = p.gate()
	if err := ctx.RegisterResourceOutputs(w, pulumi.Map{"url": w.URL, "release": w.Release}); err != nil {
		return nil, fmt.Errorf("registering the workload's outputs: %w", err)
	}
	return w, nil
}
