package awseks

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ecr"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	k8s "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
	"escala/infra/targets/awseks/ingressclass"
	"escala/infra/targets/kubernetes"
)

// class is the name of the ingress class, and of its parameters.
const class = "alb"

// workload runs the service on the cluster.
func (d deployment) workload(net network, cluster *eks.Cluster, admins []pulumi.Resource, metrics *eks.Addon, repository *ecr.Repository) (deploy.Endpoint, error) {
	none := deploy.Endpoint{}
	config := d.kubeconfig(cluster)
	// A cluster's endpoint is its own: unlike its name and ARN, no cluster that
	// takes its place has it.
	provider, err := kubernetes.NewProvider(d.Ctx, d.Name("kubernetes"), cluster.Endpoint, &k8s.ProviderArgs{
		Kubeconfig:            config,
		EnableServerSideApply: pulumi.Bool(true),
		// Nobody gets in before they have an entry, and whatever is on the cluster
		// has to be gone before the entries are.
	}, pulumi.Parent(d.Component), pulumi.DependsOn(admins))
	if err != nil {
		return none, err
	}
	ingress, err := d.ingressClass(provider, net)
	if err != nil {
		return none, err
	}
	image, err := kubernetes.ImageOf(d.Ctx, d.Request, d.settings.WorkloadSettings, repository.RepositoryUrl, d.login())
	if err != nil {
		return none, err
	}
	how, err := annotations(d.Request.Spec, d.settings)
	if err != nil {
		return none, err
	}
	platforms := new(EKS).Platforms()
	if d.settings.Image != "" {
		// What somebody else's image is for is theirs to know.
		platforms = nil
	}
	var reached pulumi.StringInput
	if d.settings.URL != "" {
		reached = pulumi.String(d.settings.URL)
	}
	service, err := kubernetes.NewWorkload(d.Ctx, d.Request.Spec.Name, &kubernetes.WorkloadArgs{
		Request:            d.Request,
		Settings:           d.settings.WorkloadSettings,
		Provider:           provider,
		Kubeconfig:         config,
		Image:              image,
		Platforms:          platforms,
		IngressClass:       pulumi.String(class),
		IngressAnnotations: pulumi.ToStringMap(how),
		// A new pod counts as ready once the load balancer sends it requests, so an
		// old one does not leave before.
		NamespaceLabels: pulumi.StringMap{"eks.amazonaws.com/pod-readiness-gate-inject": pulumi.String("enabled")},
		HTTPS:           d.settings.CertificateARN != "",
		URL:             reached,
		DependsOn:       []pulumi.Resource{ingress, metrics},
	}, pulumi.Parent(d.Component))
	if err != nil {
		return none, err
	}
	return deploy.Endpoint{URL: service.URL, Release: service.Release}, nil
}

// ingressClass is how the service's load balancer is made. It is there as long
// as the Ingress is: without it, EKS would not delete the load balancer.
func (d deployment) ingressClass(provider pulumi.ProviderResource, net network) (pulumi.Resource, error) {
	on := []pulumi.ResourceOption{pulumi.Parent(d.Component), pulumi.Provider(provider)}
	spec := ingressclass.SpecArgs{
		Scheme: pulumi.String("internet-facing"),
		// Not those that its own search would find.
		Subnets:    ingressclass.SubnetsArgs{IDs: net.public},
		Attributes: pairs(attributes(d.Request.Spec)),
		Tags:       pairs(sortedTags(d.Tags(d.settings.Tags))),
	}
	if d.settings.CertificateARN != "" {
		spec.Certificates = pulumi.ToStringArray([]string{d.settings.CertificateARN})
	}
	params, err := ingressclass.NewParams(d.Ctx, d.Name("alb-params"), &ingressclass.ParamsArgs{
		Name: pulumi.String(class),
		Spec: spec,
	}, on...)
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
	}, append(on, pulumi.DependsOn([]pulumi.Resource{params}))...)
	if err != nil {
		return nil, fmt.Errorf("registering the ingress class: %w", err)
	}
	return ingress, nil
}
