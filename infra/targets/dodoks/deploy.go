package dodoks

import (
	"fmt"
	"os"
	"strings"

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
	found    found
}

// Deploy implements target.Target.
func (t *DOKS) Deploy(ctx *pulumi.Context, r deploy.Request) (deploy.Endpoint, error) {
	none := deploy.Endpoint{}
	room := &pulumi.ResourceState{}
	if err := ctx.RegisterComponentResource("escala:doks:Service", r.Spec.Name, room); err != nil {
		return none, fmt.Errorf("registering the service: %w", err)
	}
	d := deployment{ctx: ctx, request: r, settings: t.settings, room: room}
	d.request.Spec = behindTraefik(r.Spec)
	args := &digitalocean.ProviderArgs{}
	if token, set := ctx.GetConfig(tokenKey); set {
		args.Token = pulumi.ToSecret(pulumi.String(token)).(pulumi.StringOutput).ToStringPtrOutput()
	}
	var err error
	if d.provider, err = digitalocean.NewProvider(ctx, d.name("digitalocean"), args, pulumi.Parent(room)); err != nil {
		return none, fmt.Errorf("registering the DigitalOcean provider: %w", err)
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

// tokenKey is where the stack's configuration may have the account's token.
const tokenKey = "digitalocean:token"

// token is the account's, where the provider looks for it.
func (d deployment) token() string {
	if token, set := d.ctx.GetConfig(tokenKey); set {
		return token
	}
	for _, name := range []string{"DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN"} {
		if token := os.Getenv(name); token != "" {
			return token
		}
	}
	return ""
}

func (d deployment) run() (deploy.Endpoint, error) {
	none := deploy.Endpoint{}
	images, err := d.registry()
	if err != nil {
		return none, err
	}
	cluster, err := d.cluster(images)
	if err != nil {
		return none, err
	}
	config := kubeconfigOf(cluster)
	provider, err := d.kubernetes(cluster, config)
	if err != nil {
		return none, err
	}
	ingress, err := d.traefik(provider)
	if err != nil {
		return none, err
	}
	metrics, err := d.metricsServer(provider)
	if err != nil {
		return none, err
	}
	return d.workload(provider, config, images, ingress, metrics)
}

// name is the logical name of a part of the service.
func (d deployment) name(part string) string { return d.request.Spec.Name + "-" + part }

// in are the options of every resource of DigitalOcean.
func (d deployment) in(more ...pulumi.ResourceOption) []pulumi.ResourceOption {
	return append([]pulumi.ResourceOption{pulumi.Parent(d.room), pulumi.Provider(d.provider)}, more...)
}

// label names the stack's service to DigitalOcean.
func (d deployment) label() string {
	label := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		default:
			return '-'
		}
	}, strings.ToLower(d.ctx.Project()+"-"+d.ctx.Stack()+"-"+d.request.Spec.Name))
	return strings.Trim(label[:min(len(label), 50)], "-")
}
