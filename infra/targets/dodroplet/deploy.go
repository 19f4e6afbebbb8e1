package dodroplet

import (
	"fmt"
	"regexp"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
)

// deployment is one Deploy.
type deployment struct {
	ctx      *pulumi.Context
	request  deploy.Request
	settings Settings
	room     pulumi.Resource
	provider *digitalocean.Provider
	random   *random.Provider
}

// Deploy implements target.Target.
func (t *Droplet) Deploy(ctx *pulumi.Context, r deploy.Request) (deploy.Endpoint, error) {
	none := deploy.Endpoint{}
	room := &pulumi.ResourceState{}
	if err := ctx.RegisterComponentResource("escala:digitalocean:Service", r.Spec.Name, room); err != nil {
		return none, fmt.Errorf("registering the service: %w", err)
	}
	d := deployment{ctx: ctx, request: r, settings: t.settings, room: room}
	var err error
	if d.provider, err = digitalocean.NewProvider(ctx, d.name("digitalocean"), account(ctx), pulumi.Parent(room)); err != nil {
		return none, fmt.Errorf("registering the DigitalOcean provider: %w", err)
	}
	if d.random, err = random.NewProvider(ctx, d.name("random"), &random.ProviderArgs{}, pulumi.Parent(room)); err != nil {
		return none, fmt.Errorf("registering the random provider: %w", err)
	}
	// Asked before anything else is registered.
	if err := d.look(); err != nil {
		return none, err
	}
	endpoint, err := d.run()
	if err != nil {
		return none, err
	}
	err = ctx.RegisterResourceOutputs(room, pulumi.Map{"url": endpoint.URL, "release": endpoint.Release})
	return endpoint, err
}

// account is whose DigitalOcean it is: from the stack's configuration
// (digitalocean:token, …) and else from the environment (DIGITALOCEAN_TOKEN,
// SPACES_ACCESS_KEY_ID, SPACES_SECRET_ACCESS_KEY), as for Pulumi's default
// provider.
func account(ctx *pulumi.Context) *digitalocean.ProviderArgs {
	args := &digitalocean.ProviderArgs{}
	for key, arg := range map[string]*pulumi.StringPtrInput{
		"token":           &args.Token,
		"spacesAccessId":  &args.SpacesAccessId,
		"spacesSecretKey": &args.SpacesSecretKey,
	} {
		if value, set := ctx.GetConfig("digitalocean:" + key); set {
			*arg = pulumi.ToSecret(pulumi.String(value)).(pulumi.StringOutput).ToStringPtrOutput()
		}
	}
	return args
}

func (d deployment) run() (deploy.Endpoint, error) {
	none := deploy.Endpoint{}
	store, err := d.releases()
	if err != nil {
		return none, err
	}
	net, err := d.network()
	if err != nil {
		return none, err
	}
	m, err := d.droplet(net, store)
	if err != nil {
		return none, err
	}
	address, err := d.address()
	if err != nil {
		return none, err
	}
	if err := d.project(m, store, address); err != nil {
		return none, err
	}
	return deploy.Cutover{
		Machine:   m,
		Own:       m.Ipv4Address,
		Stable:    address.IpAddress,
		Published: deploy.Published(d.request, store.pointer),
		Move: func(healthy pulumi.StringOutput) (pulumi.CustomResource, error) {
			return d.assign(address, healthy)
		},
		Ask: func(id string) string {
			return fmt.Sprintf("(only the machine itself can say more: in the recovery console of Droplet %s, run\n/usr/local/lib/escala/diagnose)", id)
		},
	}.Run(d.ctx, d.request)
}

// name is the logical name of a part of the service.
func (d deployment) name(part string) string { return d.request.Spec.Name + "-" + part }

// in are the options of every resource.
func (d deployment) in(more ...pulumi.ResourceOption) []pulumi.ResourceOption {
	return append([]pulumi.ResourceOption{pulumi.Parent(d.room), pulumi.Provider(d.provider)}, more...)
}

var notInTags = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// label names the stack to DigitalOcean.
func (d deployment) label() string {
	return notInTags.ReplaceAllString(d.ctx.Project()+"-"+d.ctx.Stack(), "-")
}
