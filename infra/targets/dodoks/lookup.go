package dodoks

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

// found is what DigitalOcean said when it was asked.
type found struct {
	// version is the newest of the wanted minor version, for a new cluster or an
	// upgrade.
	version string
	// stays says that the cluster is there and of that minor version.
	stays bool
	// registry is the endpoint of the registry that the settings name.
	registry string
}

// look asks DigitalOcean whether the settings can be had, and reports everything
// that cannot at once.
func (d deployment) look() (found, error) {
	var f found
	var v service.Violations
	ask := pulumi.Provider(d.Provider)
	s := d.settings
	region, err := digitalocean.GetRegion(d.Ctx, &digitalocean.GetRegionArgs{Slug: s.Region}, ask)
	switch {
	case err != nil:
		v.Add("doks.region", "%q cannot be asked for: %s", s.Region, err)
	case !region.Available:
		v.Add("doks.region", "%q takes no new nodes", s.Region)
	case !slices.Contains(region.Sizes, s.Size):
		v.Add("doks.size", "%q is not to be had in %s", s.Size, s.Region)
	}
	d.lookVersion(&f, &v, ask)
	if s.Registry != "" && s.Image == "" {
		registry, err := digitalocean.LookupContainerRegistry(d.Ctx, &digitalocean.LookupContainerRegistryArgs{Name: s.Registry}, ask)
		if err != nil {
			v.Add("doks.registry", "%q cannot be asked for: %s", s.Registry, err)
		} else {
			f.registry = registry.Endpoint
		}
	}
	if s.Certificate != "" {
		if _, err := digitalocean.LookupCertificate(d.Ctx, &digitalocean.LookupCertificateArgs{Name: s.Certificate}, ask); err != nil {
			v.Add("doks.certificate", "%q cannot be asked for: %s", s.Certificate, err)
		}
	}
	return f, v.Err()
}

// noCluster is in what the provider says of a name that no cluster has.
const noCluster = "Unable to find cluster"

// lookVersion decides on the cluster's version.
func (d deployment) lookVersion(f *found, v *service.Violations, ask pulumi.InvokeOption) {
	name := d.Label(50)
	running, err := digitalocean.LookupKubernetesCluster(d.Ctx, &digitalocean.LookupKubernetesClusterArgs{Name: name}, ask)
	switch {
	case err != nil && !strings.Contains(err.Error(), noCluster) && !strings.Contains(err.Error(), "No clusters found"):
		v.Add("doks.version", "whether there is a cluster %q cannot be asked for: %s", name, err)
		return
	case err == nil:
		upgrade, err := step(running.Version, d.settings.Version)
		if err != nil {
			v.Add("doks.version", "%q cannot be had: %s", d.settings.Version, err)
			return
		}
		if !upgrade {
			f.version, f.stays = running.Version, true
			return
		}
	}
	prefix := d.settings.Version + "."
	versions, err := digitalocean.GetKubernetesVersions(d.Ctx, &digitalocean.GetKubernetesVersionsArgs{VersionPrefix: &prefix}, ask)
	if err != nil {
		v.Add("doks.version", "which versions there are cannot be asked for: %s", err)
		return
	}
	if len(versions.ValidVersions) == 0 {
		v.Add("doks.version", "%q is not to be had; %s", d.settings.Version, d.offered(ask))
		return
	}
	f.version = versions.LatestVersion
}

// offered says which versions there are.
func (d deployment) offered(ask pulumi.InvokeOption) string {
	all, err := digitalocean.GetKubernetesVersions(d.Ctx, &digitalocean.GetKubernetesVersionsArgs{}, ask)
	if err != nil {
		return "`doctl kubernetes options versions` lists what is"
	}
	return "these are: " + strings.Join(all.ValidVersions, ", ")
}
