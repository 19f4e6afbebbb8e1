package kubernetes

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/build"
	"escala/infra/deploy"
)

// WorkloadArgs are the arguments of NewWorkload.
type WorkloadArgs struct {
	// Request is the target's request. The workload uses its description unchanged;
	// a target that needs other times changes its own copy first.
	Request deploy.Request
	// Settings are the workload's settings in the target's section.
	Settings WorkloadSettings
	// Provider is the cluster's pulumi-kubernetes provider, made with NewProvider.
	Provider pulumi.ProviderResource
	// Kubeconfig is the content of a kubeconfig whose current context is the
	// cluster. Only the gate uses it. It is no resource's input, so it is not kept
	// in the state.
	Kubeconfig pulumi.StringInput
	// Image is the image's reference by digest, "repository@sha256:…": see
	// ImageOf.
	Image pulumi.StringInput
	// PullLogin is the content of a docker configuration
	// (kubernetes.io/dockerconfigjson) with which nodes pull the image. It is nil if
	// they need no login, or if the settings name a secret. It is treated as a
	// secret.
	PullLogin pulumi.StringInput
	// Platforms are the platforms that images are built for. Nodes of other
	// platforms get no pods. With Settings.Image, which may be for any platform, all
	// nodes can get pods.
	Platforms []build.Platform
	// IngressClass is the class of the ingress controller. Nil means the cluster's
	// default class.
	IngressClass pulumi.StringInput
	// IngressAnnotations are annotations for the target's ingress controller
	// (alb.ingress.kubernetes.io/…).
	IngressAnnotations pulumi.StringMapInput
	// NamespaceLabels are added to the namespace's pod security labels
	// (elbv2.k8s.aws/pod-readiness-gate-inject: enabled).
	NamespaceLabels pulumi.StringMapInput
	// IPFamilies are the Service's families, "IPv4" and "IPv6". Nil means the
	// cluster's default; a cluster that has both uses both.
	IPFamilies pulumi.StringArrayInput
	// HTTPS means that the ingress controller terminates TLS with a certificate of
	// its own (an ALB's) and needs no secret. Issued means that it gets this
	// certificate by ACME, so the certificate may come after the release.
	HTTPS, Issued bool
	// CertManager means that the cluster's cert-manager provides the certificate.
	CertManager bool
	// Addressed means that the target uses Workload.Address. Recorded means that it
	// makes records in DNS that lead there.
	Addressed, Recorded bool
	// SpreadZonesOnly spreads pods over zones but not over nodes. Use it for
	// clusters that create nodes for pods: they treat the preference for different
	// nodes as a requirement.
	SpreadZonesOnly bool
	// DependsOn are the resources that must exist as long as the workload does:
	// nodes, ingress controller, metrics.
	DependsOn []pulumi.Resource
}

// Workload is a service on a cluster: its namespace, its pods and their
// autoscaler, its Ingress, and Redis if the description asks for it.
type Workload struct {
	pulumi.ResourceState

	// URL is the service's address, without a slash at its end. It resolves once
	// all pods run the release and the address serves it.
	URL pulumi.StringOutput
	// Release is the digest of the image that serves, without "sha256:". It
	// resolves together with URL.
	Release pulumi.StringOutput
	// Address is the IP address or the host name of the Ingress' load balancer. It
	// is set if WorkloadArgs.Addressed is, and resolves together with URL.
	Address pulumi.StringOutput
	// HTTPS is a result of https.State, or https.Unchecked. It resolves together
	// with URL.
	HTTPS pulumi.StringOutput

	outputs pulumi.Map
}

// Outputs returns the stack's outputs that a later preview reads.
func (w *Workload) Outputs() pulumi.Map { return w.outputs }

// NewWorkload registers the component escala:kubernetes:Workload. It does not
// validate args; the target calls Check first.
func NewWorkload(ctx *pulumi.Context, name string, args *WorkloadArgs, opts ...pulumi.ResourceOption) (*Workload, error) {
	w := &Workload{}
	if err := ctx.RegisterComponentResource("escala:kubernetes:Workload", name, w, opts...); err != nil {
		return nil, fmt.Errorf("registering the workload: %w", err)
	}
	p := newParts(ctx, name, args, w)
	if err := p.register(); err != nil {
		return nil, err
	}
	p.gate(w)
	if err := p.schedules(w); err != nil {
		return nil, err
	}
	w.outputs = pulumi.Map{}
	if args.Addressed {
		w.outputs[deploy.OutputAddress] = w.Address
	}
	if p.scheme() == "https" {
		w.outputs[deploy.OutputHTTPS] = w.HTTPS
	}
	if err := ctx.RegisterResourceOutputs(w, pulumi.Map{"url": w.URL, "release": w.Release}); err != nil {
		return nil, fmt.Errorf("registering the workload's outputs: %w", err)
	}
	return w, nil
}
