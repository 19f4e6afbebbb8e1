package awseks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

// newVersion is the Kubernetes version of a new cluster: in standard support
// until 2027-08-02 (EKS' release calendar).
const newVersion = "1.36"

// chooseVersion chooses the cluster's version, and refuses one that the cluster
// cannot get to. A cluster that exists is never refused for what it runs: an
// update in an incident must not wait for an upgrade.
func (d deployment) chooseVersion(f *lookup, v *service.Violations, provider pulumi.InvokeOption) {
	running := d.runningVersion(provider)
	wanted := d.settings.Version
	switch {
	case wanted == "" && running == "":
		wanted = newVersion
	case wanted == "":
		wanted = running
	}
	f.version = wanted
	step := minor(wanted) - minor(running)
	switch {
	case running != "" && step <= 0:
		if step < 0 {
			// Amazon raises a version at the end of its support, and none is lowered.
			d.warn(fmt.Sprintf("eks.version is %q, but the cluster runs %s: Amazon raised it, and no cluster goes back. Set it to %q", wanted, running, running))
		}
		f.version = running
		// The state may not know yet what Amazon did: asked to raise a cluster to
		// what it runs, EKS refuses.
		f.clusterOptions = append(f.clusterOptions, pulumi.IgnoreChanges([]string{"version"}))
		return
	case running != "" && step > 1:
		v.Add("eks.version", "%q is %d steps from %s, which the cluster runs; raise it by one at a time", wanted, step, running)
		return
	}
	supported := "STANDARD_SUPPORT"
	answer, err := eks.GetClusterVersions(d.Ctx, &eks.GetClusterVersionsArgs{VersionStatus: &supported}, provider)
	if err != nil {
		v.Add("eks.version", "EKS does not say which versions there are: %s", err)
		return
	}
	var versions []string
	for _, item := range answer.ClusterVersions {
		versions = append(versions, item.ClusterVersion)
	}
	slices.Sort(versions)
	if !slices.Contains(versions, wanted) {
		v.Add("eks.version", "%q is not in standard support in %s; these are: %s", wanted, d.settings.Region, strings.Join(versions, ", "))
	}
}

// runningVersion is what the stack's cluster runs, or "" where there is none.
func (d deployment) runningVersion(provider pulumi.InvokeOption) string {
	name, _ := d.Request.Outputs[outputCluster].(string)
	if name == "" {
		return ""
	}
	cluster, err := eks.LookupCluster(d.Ctx, &eks.LookupClusterArgs{Name: name}, provider)
	if err != nil {
		// The cluster is gone, or of another region: the update makes one.
		d.warn(fmt.Sprintf("EKS does not say what cluster %s runs: %s", name, err))
		return ""
	}
	return cluster.Version
}

func (d deployment) warn(message string) {
	// A warning that cannot be shown is no reason to fail.
	_ = d.Ctx.Log.Warn(message, nil)
}

// minor is the number behind "1.". The settings allow nothing else.
func minor(version string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(version, "1."))
	return n
}
