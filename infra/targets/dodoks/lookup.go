package dodoks

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/dodns"
	"escala/service"
)

// lookup is the result of the lookups at DigitalOcean.
type lookup struct {
	// version is the version of a new cluster or of an upgrade: the newest patch of
	// the minor version in the settings, or the last patch of the running minor
	// version, which comes first.
	version string
	// keepsVersion means that the cluster keeps its version.
	keepsVersion bool
	// upgrades means that the cluster exists and gets another version.
	upgrades bool
	// registry is the endpoint of the registry that the settings name.
	registry string
	// domains are the domains of the service's names.
	domains dodns.Domains
}

// ask checks at DigitalOcean that the settings are available. It reports all
// violations together.
func (d deployment) ask() (lookup, error) {
	var f lookup
	var v service.Violations
	ask := pulumi.Provider(d.Provider)
	s := d.settings
	region, err := digitalocean.GetRegion(d.Ctx, &digitalocean.GetRegionArgs{Slug: s.Region}, ask)
	switch {
	case err != nil:
		v.Add("doks.region", "%q is not available: %s", s.Region, err)
	case !region.Available:
		v.Add("doks.region", "%q takes no new nodes", s.Region)
	case !slices.Contains(region.Sizes, s.Size):
		v.Add("doks.size", "%q is not available in %s", s.Size, s.Region)
	}
	v = append(v, s.vpc().Check(d.Ctx, ask)...)
	d.checkCluster(&f, &v, ask)
	if s.Registry != "" && s.Image == "" {
		registry, err := digitalocean.LookupContainerRegistry(d.Ctx, &digitalocean.LookupContainerRegistryArgs{Name: s.Registry}, ask)
		if err != nil {
			v.Add("doks.registry", "%q is not available: %s", s.Registry, err)
		} else {
			f.registry = registry.Endpoint
		}
	}
	if s.Certificate != "" {
		if _, err := digitalocean.LookupCertificate(d.Ctx, &digitalocean.LookupCertificateArgs{Name: s.Certificate}, ask); err != nil {
			v.Add("doks.certificate", "%q is not available: %s", s.Certificate, err)
		}
	}
	if choice := s.domains(d.Request.Spec); len(choice.Names) > 0 {
		var problems service.Violations
		f.domains, problems = choice.Lookup(d.Ctx, ask)
		v = append(v, problems...)
	}
	return f, v.Err()
}

// offered lists the available versions for an error message.
func (d deployment) offered(ask pulumi.InvokeOption) string {
	all, err := digitalocean.GetKubernetesVersions(d.Ctx, &digitalocean.GetKubernetesVersionsArgs{}, ask)
	if err != nil {
		return "`doctl kubernetes options versions` lists them"
	}
	return "these are: " + strings.Join(all.ValidVersions, ", ")
}
