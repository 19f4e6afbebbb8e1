package awsec2

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
func (t *EC2) Deploy(c *deploy.Component) (deploy.Endpoint, error) {
	d := deployment{Component: c, settings: t.settings}
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
	store, err := d.releases()
	if err != nil {
		return none, err
	}
	secrets, err := d.secrets()
	if err != nil {
		return none, err
	}
	role, err := d.access(store, secrets)
	if err != nil {
		return none, err
	}
	m, err := d.instance(net, store, secrets, role)
	if err != nil {
		return none, err
	}
	if err := d.machineObjects(store, role, m); err != nil {
		return none, err
	}
	address, err := d.address()
	if err != nil {
		return none, err
	}
	return deploy.Cutover{
		Machine:   m,
		Own:       m.PublicIp,
		Stable:    address.PublicIp,
		Published: deploy.Published(d.Request, store.pointer),
		Move: func(healthy pulumi.StringOutput) (pulumi.CustomResource, error) {
			return d.associate(address, healthy)
		},
		Store:  store.bucket.Bucket,
		Stored: d.storedStatus,
		Ask: func(id string) string {
			return fmt.Sprintf("(only the machine itself can say more)\naws ssm start-session --region %s --target %s\nsudo /usr/local/lib/escala/diagnose", d.settings.Region, id)
		},
	}.Run(d.Ctx, d.Request)
}
