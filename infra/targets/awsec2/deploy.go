package awsec2

import (
	"fmt"
	"maps"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
	"escala/service"
)

// deployment is one Deploy.
type deployment struct {
	ctx      *pulumi.Context
	request  deploy.Request
	settings Settings
	room     pulumi.Resource
	provider *aws.Provider
	random   *random.Provider
	found    found
}

// Deploy implements target.Target.
func (t *EC2) Deploy(ctx *pulumi.Context, r deploy.Request) (deploy.Endpoint, error) {
	none := deploy.Endpoint{}
	if err := t.checkProviderConfig(ctx); err != nil {
		return none, err
	}
	room := &pulumi.ResourceState{}
	if err := ctx.RegisterComponentResource("escala:aws:Service", r.Spec.Name, room); err != nil {
		return none, fmt.Errorf("registering the service: %w", err)
	}
	d := deployment{ctx: ctx, request: r, settings: t.settings, room: room}
	var err error
	d.provider, err = aws.NewProvider(ctx, d.name("aws"), &aws.ProviderArgs{
		Region:      pulumi.String(t.settings.Region),
		DefaultTags: &aws.ProviderDefaultTagsArgs{Tags: pulumi.ToStringMap(d.tags())},
	}, pulumi.Parent(room))
	if err != nil {
		return none, fmt.Errorf("registering the AWS provider: %w", err)
	}
	if d.random, err = random.NewProvider(ctx, d.name("random"), &random.ProviderArgs{}, pulumi.Parent(room)); err != nil {
		return none, fmt.Errorf("registering the random provider: %w", err)
	}
	// Asked before anything else is registered.
	if d.found, err = d.look(); err != nil {
		return none, err
	}
	endpoint, err := d.run()
	if err != nil {
		return none, err
	}
	err = ctx.RegisterResourceOutputs(room, pulumi.Map{"url": endpoint.URL, "release": endpoint.Release})
	return endpoint, err
}

// checkProviderConfig: the default provider is not used, so its region would go
// unnoticed.
func (t *EC2) checkProviderConfig(ctx *pulumi.Context) error {
	var v service.Violations
	if region, set := ctx.GetConfig("aws:region"); set && region != t.settings.Region {
		v.Add("aws:region", "is %q, but %s:aws has region %q; set the latter and remove the former", region, ctx.Project(), t.settings.Region)
	}
	return v.Err()
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
	address, err := d.address()
	if err != nil {
		return none, err
	}
	return deploy.Cutover{
		Machine:   m,
		Own:       m.PublicIp,
		Stable:    address.PublicIp,
		Published: deploy.Published(d.request, store.pointer),
		Move: func(healthy pulumi.StringOutput) (pulumi.CustomResource, error) {
			return d.associate(address, healthy)
		},
		Ask: func(id string) string {
			return fmt.Sprintf("(only the machine itself can say more)\naws ssm start-session --region %s --target %s\nsudo /usr/local/lib/escala/diagnose", d.settings.Region, id)
		},
	}.Run(d.ctx, d.request)
}

// name is the logical name of a part of the service.
func (d deployment) name(part string) string { return d.request.Spec.Name + "-" + part }

// in are the options of every resource.
func (d deployment) in(more ...pulumi.ResourceOption) []pulumi.ResourceOption {
	return append([]pulumi.ResourceOption{pulumi.Parent(d.room), pulumi.Provider(d.provider)}, more...)
}

// tags are on everything; a user's own go first.
func (d deployment) tags() map[string]string {
	tags := map[string]string{
		"Project":   d.ctx.Project(),
		"Stack":     d.ctx.Stack(),
		"Service":   d.request.Spec.Name,
		"ManagedBy": "pulumi",
	}
	maps.Copy(tags, d.settings.Tags)
	return tags
}

// named are the tags of what has no name in AWS but by a tag.
func (d deployment) named(part string) pulumi.StringMap {
	return pulumi.StringMap{"Name": pulumi.String(fmt.Sprintf("%s %s %s", d.request.Spec.Name, d.ctx.Stack(), part))}
}
