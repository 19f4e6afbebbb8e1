package dodoks

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

// clusterOutput is the stack output with the cluster's name. Later updates look
// the cluster up by it.
const clusterOutput = "cluster"

// noCluster lists the parts of the provider's errors which mean that no cluster has
// the name.
var noCluster = []string{"Unable to find cluster", "No clusters found"}

// checkCluster decides on the cluster's version. It refuses changes that make
// DigitalOcean replace the cluster, because that would delete the cluster that
// serves.
func (d deployment) checkCluster(f *lookup, v *service.Violations, ask pulumi.InvokeOption) {
	name, _ := d.Request.Outputs[clusterOutput].(string)
	if name == "" {
		d.chooseNewest(f, v, ask)
		return
	}
	running, err := digitalocean.LookupKubernetesCluster(d.Ctx, &digitalocean.LookupKubernetesClusterArgs{Name: name}, ask)
	switch {
	case err != nil && slices.ContainsFunc(noCluster, func(s string) bool { return strings.Contains(err.Error(), s) }):
		d.chooseNewest(f, v, ask)
	case err != nil:
		v.Add("doks.version", "looking up cluster %q failed: %s", name, err)
	default:
		d.refuseReplacement(running, v, ask)
		d.chooseUpgrade(running.Version, f, v, ask)
	}
}

func (d deployment) refuseReplacement(running *digitalocean.LookupKubernetesClusterResult, v *service.Violations, ask pulumi.InvokeOption) {
	const advice = "DigitalOcean would delete the cluster and make another one; set it back, and use a stack of its own for the other cluster"
	s := d.settings
	if running.Region != s.Region {
		v.Add("doks.region", "%q is another region than the cluster's, %s: %s", s.Region, running.Region, advice)
		return
	}
	i := slices.IndexFunc(running.NodePools, func(p digitalocean.GetKubernetesClusterNodePool) bool { return p.Name == poolName })
	if i >= 0 && running.NodePools[i].Size != s.Size {
		v.Add("doks.size", "%q is another size than that of the cluster's nodes, %s: %s (more nodes are doks.maxNodes)", s.Size, running.NodePools[i].Size, advice)
	}
	other, err := s.vpc().Mismatch(d.Ctx, running.VpcUuid, ask)
	switch {
	case err != nil:
		v.Add("doks.vpc", "looking up the cluster's VPC failed: %s", err)
	case other != "":
		v.Add("doks.vpc", "the cluster is in another VPC, %s: %s", other, advice)
	}
}

// chooseNewest chooses the newest version for a new cluster.
func (d deployment) chooseNewest(f *lookup, v *service.Violations, ask pulumi.InvokeOption) {
	offered := d.patches(d.settings.Version, v, ask)
	if offered == nil {
		return
	}
	if len(offered) == 0 {
		v.Add("doks.version", "%q is not available; %s", d.settings.Version, d.offered(ask))
		return
	}
	f.version = newest(offered)
}

// chooseUpgrade chooses the next version for an existing cluster.
func (d deployment) chooseUpgrade(running string, f *lookup, v *service.Violations, ask pulumi.InvokeOption) {
	upgrade, err := step(running, d.settings.Version)
	if err != nil {
		v.Add("doks.version", "%q is not available: %s", d.settings.Version, err)
		return
	}
	if !upgrade {
		f.version, f.keepsVersion = running, true
		if newer(running, d.settings.Version) {
			_ = d.Ctx.Log.Warn("doks.version is \""+d.settings.Version+"\", but DigitalOcean has upgraded the cluster to "+running+"; set doks.version to that", nil)
		}
		return
	}
	f.upgrades = true
	// DigitalOcean upgrades to the next minor version only from the last patch.
	if patch := newest(d.patches(minorOf(running), v, ask)); patch != "" && patch != running && newer(patch, running) {
		f.version = patch
		_ = d.Ctx.Log.Warn("this update brings the cluster from "+running+" to "+patch+", the last patch before "+d.settings.Version+"; the next one brings it there", nil)
		return
	}
	d.chooseNewest(f, v, ask)
}

// patches returns the available versions of a minor version. It returns nil if
// the lookup fails.
func (d deployment) patches(minor string, v *service.Violations, ask pulumi.InvokeOption) []string {
	prefix := minor + "."
	versions, err := digitalocean.GetKubernetesVersions(d.Ctx, &digitalocean.GetKubernetesVersionsArgs{VersionPrefix: &prefix}, ask)
	if err != nil {
		v.Add("doks.version", "looking up the versions of Kubernetes failed: %s", err)
		return nil
	}
	if versions.ValidVersions == nil {
		return []string{}
	}
	return versions.ValidVersions
}
