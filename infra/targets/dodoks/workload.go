package dodoks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
	"escala/infra/targets/kubernetes"
)

// workload registers the service's workload on the cluster.
func (d deployment) workload(provider pulumi.ProviderResource, config pulumi.StringInput, images registry, needed ...pulumi.Resource) (deploy.Endpoint, error) {
	none := deploy.Endpoint{}
	image, err := kubernetes.ImageOf(d.Ctx, d.Request, d.settings.WorkloadSettings, images.repository, d.login())
	if err != nil {
		return none, err
	}
	certificate := d.settings.certificateSource(d.Request.Spec)
	service, err := kubernetes.NewWorkload(d.Ctx, d.Request.Spec.Name, &kubernetes.WorkloadArgs{
		Request:      d.Request,
		Settings:     d.settings.WorkloadSettings,
		Provider:     provider,
		Kubeconfig:   config,
		Image:        image,
		Platforms:    new(DOKS).Platforms(),
		PullLogin:    images.login,
		IngressClass: pulumi.String(class),
		HTTPS:        certificate.atBalancer() || certificate == traefikCertificate,
		Issued:       certificate == traefikCertificate,
		CertManager:  d.settings.Issuer != "",
		Addressed:    d.settings.makesRecords(d.Request.Spec),
		Recorded:     d.settings.makesRecords(d.Request.Spec),
		DependsOn:    needed,
	}, pulumi.Parent(d.Component))
	if err != nil {
		return none, err
	}
	return deploy.Endpoint{URL: service.URL, Release: service.Release, Outputs: service.Outputs()}, d.records(service)
}
