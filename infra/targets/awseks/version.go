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

// newVersion is the Kubernetes version of a new cluster. It is in standard
// support until 2027-08-02 (EKS' release calendar).
const newVersion = "1.36"

// chooseVersion chooses the cluster's version, and refuses a version that the
// cluster cannot be upgraded to. It never refuses an existing cluster because of
// the version that it runs: an update in an incident must not wait for an upgrade.
func (d deployment) chooseVersion(f *lookup, cluster *eks.LookupClusterResult, v *service.Violations, provider pulumi.InvokeOption) {
	running := ""
	if cluster != nil {
		running = cluster.Version
	}
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
			// Amazon raises a version at the end of its support, and a version cannot
			// be lowered.
			d.warn(fmt.Sprintf("eks.version is %q, but the cluster runs %s: Amazon raised it, and no cluster goes back. Set it to %q", wanted, running, running))
		}
		f.version = running
		// The state may lack Amazon's upgrade. EKS refuses an upgrade to the
		// version that the cluster already runs.
		f.clusterOptions = append(f.clusterOptions, pulumi.IgnoreChanges([]string{"version"}))
		return
	case running != "" && step > 1:
		v.Add("eks.version", "%q is %d steps from %s, which the cluster runs; raise it by one at a time", wanted, step, running)
		return
	}
	supported := "STANDARD_SUPPORT"
	answer, err := eks.GetClusterVersions(d.Ctx, &eks.GetClusterVersionsArgs{VersionStatus: &supported}, provider)
	if err != nil {
		v.Add("eks.version", "looking up the versions of EKS failed: %s", err)
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

func (d deployment) warn(message string) {
	// A failure to show the warning is not an error.
	_ = d.Ctx.Log.Warn(message, nil)
}

// minor returns the number after "1.". The settings allow no other major version.
func minor(version string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(version, "1."))
	return n
}
