package dodoks

import (
	"fmt"
	"os"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
	"escala/infra/deploy/doalarm"
)

// deployment is the state of one Deploy.
type deployment struct {
	*deploy.Component
	settings Settings
	lookup   lookup
}

// Deploy registers the target's resources.
func (t *DOKS) Deploy(c *deploy.Component) (deploy.Endpoint, error) {
	d := deployment{Component: c, settings: t.settings}
	d.Request.Spec = behindTraefik(d.Request.Spec)
	args := &digitalocean.ProviderArgs{}
	if token, set := d.Ctx.GetConfig(tokenKey); set {
		args.Token = pulumi.ToSecret(pulumi.String(token)).(pulumi.StringOutput).ToStringPtrOutput()
	}
	provider, err := digitalocean.NewProvider(d.Ctx, d.Name("digitalocean"), args, d.Options()...)
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

// tokenKey is the key of the account's token in the stack's configuration.
const tokenKey = "digitalocean:token"

// token returns the account's token, from the same places as the provider.
func (d deployment) token() string {
	if token, set := d.Ctx.GetConfig(tokenKey); set {
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
	config := kubeconfigOf(cluster, d.upgraded(cluster))
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
	endpoint, err := d.workload(provider, config, images, ingress, metrics)
	if err != nil {
		return none, err
	}
	endpoint.Outputs[clusterOutput] = pulumi.All(cluster.Name, endpoint.Release).ApplyT(func(v []any) string {
		return v[0].(string)
	})
	https := d.settings.certificateSource(d.Request.Spec)
	return endpoint, doalarm.Uptime(d.Component, endpoint, https.atBalancer() || https == traefikCertificate)
}
