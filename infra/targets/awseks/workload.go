package awseks

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ecr"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	k8s "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
	"escala/infra/targets/awseks/ingressclass"
	"escala/infra/targets/kubernetes"
)

// class is the name of the ingress class and of its parameters.
const class = "alb"

// workload runs the service on the cluster.
func (d deployment) workload(net network, cluster *eks.Cluster, admins []pulumi.Resource, repository *ecr.Repository) (deploy.Endpoint, error) {
	none := deploy.Endpoint{}
	config := d.admitted(d.kubeconfig(cluster), admins)
	// The endpoint identifies a cluster: a replacement may have the same name
	// and ARN, but never the same endpoint.
	provider, err := kubernetes.NewProvider(d.Ctx, d.Name("kubernetes"), cluster.Endpoint, &k8s.ProviderArgs{
		Kubeconfig:            config,
		EnableServerSideApply: pulumi.Bool(true),
		// Everything on the cluster must be deleted before the access entries.
	}, pulumi.Parent(d), pulumi.DependsOn(admins))
	if err != nil {
		return none, err
	}
	certificates, err := d.certificates()
	if err != nil {
		return none, err
	}
	ingress, err := d.ingressClass(provider, net, certificates)
	if err != nil {
		return none, err
	}
	enforced, err := d.enforcePolicies(provider)
	if err != nil {
		return none, err
	}
	image, err := kubernetes.ImageOf(d.Ctx, d.Request, d.settings.WorkloadSettings, repository.RepositoryUrl, d.login())
	if err != nil {
		return none, err
	}
	ingressAnnotations, err := annotations(d.Request.Spec, d.settings)
	if err != nil {
		return none, err
	}
	service, err := kubernetes.NewWorkload(d.Ctx, d.Request.Spec.Name, &kubernetes.WorkloadArgs{
		Request:            d.Request,
		Settings:           d.settings.WorkloadSettings,
		Provider:           provider,
		Kubeconfig:         config,
		Image:              image,
		Platforms:          new(EKS).Platforms(),
		IngressClass:       pulumi.String(class),
		IngressAnnotations: pulumi.ToStringMap(ingressAnnotations),
		// A new pod is ready only once the load balancer sends it requests, so an old
		// pod does not end before that.
		NamespaceLabels: pulumi.StringMap{"eks.amazonaws.com/pod-readiness-gate-inject": pulumi.String("enabled")},
		HTTPS:           d.settings.certificateSource(d.Request.Spec) != noCertificate,
		Addressed:       d.makesRecords() || d.alarmed(),
		Recorded:        d.makesRecords(),
		// Auto Mode creates a node for every pod that must not share one, and does
		// not consolidate these nodes later.
		SpreadZonesOnly: true,
		DependsOn:       []pulumi.Resource{ingress, enforced},
	}, pulumi.Parent(d))
	if err != nil {
		return none, err
	}
	endpoint := deploy.Endpoint{URL: service.URL, Release: service.Release, Outputs: service.Outputs()}
	if err := d.records(service); err != nil {
		return none, err
	}
	return endpoint, d.alarms(cluster, certificates, service.Address, endpoint)
}

// ingressClass registers the configuration of the service's load balancer. It
// exists as long as the Ingress does, because without it EKS would not delete the
// load balancer.
func (d deployment) ingressClass(provider pulumi.ProviderResource, net network, certificates pulumi.StringArray) (pulumi.Resource, error) {
	options := []pulumi.ResourceOption{pulumi.Parent(d), pulumi.Provider(provider)}
	spec := ingressclass.SpecArgs{
		Scheme: pulumi.String("internet-facing"),
		// The subnets are named, so that EKS does not search for them by tags.
		Subnets:    ingressclass.SubnetsArgs{IDs: net.public},
		Attributes: pairs(attributes(d.Request.Spec)),
		Tags:       pairs(sortedTags(d.Tags(d.settings.Tags))),
	}
	if len(certificates) > 0 {
		spec.Certificates = certificates
	}
	params, err := ingressclass.NewParams(d.Ctx, d.Name("alb-params"), &ingressclass.ParamsArgs{
		Name: pulumi.String(class),
		Spec: spec,
	}, options...)
	if err != nil {
		return nil, err
	}
	ingress, err := networkingv1.NewIngressClass(d.Ctx, d.Name("alb"), &networkingv1.IngressClassArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(class)},
		Spec: &networkingv1.IngressClassSpecArgs{
			Controller: pulumi.String(ingressclass.Controller),
			Parameters: &networkingv1.IngressClassParametersReferenceArgs{
				ApiGroup: pulumi.String(ingressclass.APIGroup),
				Kind:     pulumi.String(ingressclass.Kind),
				Name:     pulumi.String(class),
			},
		},
	}, append(options, pulumi.DependsOn([]pulumi.Resource{params}))...)
	if err != nil {
		return nil, fmt.Errorf("registering the ingress class: %w", err)
	}
	return ingress, nil
}

// enforcePolicies makes Auto Mode enforce network policies. Without this object
// Auto Mode accepts and ignores them ("Use Network Policies with EKS Auto
// Mode", step 1).
func (d deployment) enforcePolicies(provider pulumi.ProviderResource) (pulumi.Resource, error) {
	object, err := corev1.NewConfigMap(d.Ctx, d.Name("network-policies"), &corev1.ConfigMapArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name:      pulumi.String("amazon-vpc-cni"),
			Namespace: pulumi.String("kube-system"),
		},
		Data: pulumi.StringMap{"enable-network-policy-controller": pulumi.String("true")},
	}, pulumi.Parent(d), pulumi.Provider(provider))
	if err != nil {
		return nil, fmt.Errorf("registering that network policies are enforced: %w", err)
	}
	return object, nil
}
