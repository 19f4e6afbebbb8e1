package awseks

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
)

// deployment is one Deploy.
type deployment struct {
	*deploy.Component
	settings Settings
	found    found
}

// Deploy registers the target's resources.
func (t *EKS) Deploy(c *deploy.Component) (deploy.Endpoint, error) {
	d := deployment{Component: c, settings: t.settings}
	d.Request.Spec = behindALB(d.Request.Spec, t.settings)
	provider, err := aws.NewProvider(d.Ctx, d.Name("aws"), &aws.ProviderArgs{
		Region:      pulumi.String(t.settings.Region),
		DefaultTags: &aws.ProviderDefaultTagsArgs{Tags: pulumi.ToStringMap(d.Tags(d.settings.Tags))},
	}, d.Options()...)
	if err != nil {
		return deploy.Endpoint{}, fmt.Errorf("registering the AWS provider: %w", err)
	}
	d.Provider = provider
	// Asked before anything else is registered.
	if d.found, err = d.look(); err != nil {
		return deploy.Endpoint{}, err
	}
	return d.run()
}

func (d deployment) run() (deploy.Endpoint, error) {
	none := deploy.Endpoint{}
	net, err := d.network()
	if err != nil {
		return none, err
	}
	roles, err := d.roles()
	if err != nil {
		return none, err
	}
	cluster, err := d.cluster(net, roles)
	if err != nil {
		return none, err
	}
	admins, err := d.admins(cluster)
	if err != nil {
		return none, err
	}
	metrics, err := d.metricsServer(cluster)
	if err != nil {
		return none, err
	}
	repository, err := d.repository()
	if err != nil {
		return none, err
	}
	return d.workload(net, cluster, admins, metrics, repository)
}
