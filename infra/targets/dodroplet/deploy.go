package dodroplet

import (
	"fmt"
	"regexp"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/cloudinit"
	"escala/infra/deploy"
	"escala/infra/deploy/doalarm"
	"escala/infra/deploy/dodns"
	"escala/infra/deploy/gate"
	"escala/service"
)

// deployment is the state of one Deploy.
type deployment struct {
	*deploy.Component
	settings Settings
	lookup   lookup
}

// Deploy registers the target's resources.
func (t *Droplet) Deploy(c *deploy.Component) (deploy.Endpoint, error) {
	d := deployment{Component: c, settings: t.settings}
	provider, err := digitalocean.NewProvider(d.Ctx, d.Name("digitalocean"), account(d.Ctx), d.Options()...)
	if err != nil {
		return deploy.Endpoint{}, fmt.Errorf("registering the DigitalOcean provider: %w", err)
	}
	d.Provider = provider
	// The settings are checked at DigitalOcean before other resources are
	// registered.
	if d.lookup, err = d.ask(); err != nil {
		return deploy.Endpoint{}, err
	}
	return d.run()
}

// account returns the provider's credentials. They come from the stack's
// configuration (digitalocean:token, …) or otherwise from the environment
// (DIGITALOCEAN_TOKEN, SPACES_ACCESS_KEY_ID, SPACES_SECRET_ACCESS_KEY), as for
// Pulumi's default provider.
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
	net, err := d.network(store.unique)
	if err != nil {
		return none, err
	}
	var address *digitalocean.ReservedIp
	var known pulumi.StringInput = pulumi.String("")
	if d.Request.Spec.TLSMode() == service.TLSIP {
		// The machine's certificate is for the address itself.
		if address, err = d.address(); err != nil {
			return none, err
		}
		known = address.IpAddress
	}
	m, err := d.droplet(net, store, known)
	if err != nil {
		return none, err
	}
	if address == nil {
		if address, err = d.address(); err != nil {
			return none, err
		}
	}
	cutover := deploy.Cutover{
		Machine:   m,
		Own:       m.Ipv4Address,
		Stable:    address.IpAddress,
		Published: deploy.Published(d.Request, store.pointer),
		Move: func(healthy pulumi.StringOutput) (pulumi.CustomResource, error) {
			return d.assign(address, healthy)
		},
		Store:  store.machines.Name,
		Stored: d.storedStatus(d.settings.spacesRegion()),
		Ask:    d.diagnosis,
	}
	if d.settings.makesRecords(d.Request.Spec) {
		cutover.Records = func(address pulumi.StringOutput) ([]pulumi.Resource, error) {
			return dodns.Addresses(d.Component, d.lookup.domains, address)
		}
	}
	endpoint, err := cutover.Run(d.Ctx, d.Request)
	if err != nil {
		return none, err
	}
	if vpc := d.settings.vpc(); vpc.CIDR != "" {
		endpoint.Outputs[outputVPC] = gate.After(pulumi.String(vpc.Description()).ToStringOutput(), endpoint.Release)
	}
	return endpoint, d.alarms(net, endpoint)
}

// outputVPC is the output with the region and the range of the stack's own VPC. The
// next update checks another range against it.
const outputVPC = "vpc"

// alarms registers the stack's alarms. Those on the machine's resources need
// DigitalOcean's metrics agent.
func (d deployment) alarms(net network, endpoint deploy.Endpoint) error {
	if err := doalarm.Uptime(d.Component, endpoint, d.Request.Spec.HTTPS()); err != nil {
		return err
	}
	if !d.settings.Monitoring {
		return nil
	}
	return doalarm.Machines(d.Component, net.tag.Name)
}

// diagnosis returns instructions for a person to find out what is wrong with a
// machine.
func (d deployment) diagnosis(droplet string) string {
	const command = cloudinit.AgentPath + " diagnose"
	if len(d.lookup.sshKeys) > 0 && len(d.settings.SSHFrom) > 0 {
		return fmt.Sprintf("(for details, ssh root@ the address of Droplet %s, and run\n%s)", droplet, command)
	}
	return fmt.Sprintf("(for details, run in the recovery console of Droplet %s\n%s;\ndigitalocean.sshKeys and sshFrom let you log in to the next machine)", droplet, command)
}

// calledAfterService returns the option that keeps a resource whose logical name used
// to contain the service's name: the old name becomes an alias.
func (d deployment) calledAfterService(part string) pulumi.ResourceOption {
	return pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String(d.Name(part))}})
}

var notInTags = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// label identifies the stack in names at DigitalOcean.
func (d deployment) label() string {
	return notInTags.ReplaceAllString(d.Ctx.Project()+"-"+d.Ctx.Stack(), "-")
}
