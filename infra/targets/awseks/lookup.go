package awseks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/eks"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/iampolicy"
	"escala/service"
)

// found is what AWS said when it was asked.
type found struct {
	// zones are those that the cluster can be in.
	zones []string
	// caller is the ARN of the user or role that updates the stack.
	caller string
	// partition and account are parts of the names of AWS' resources.
	partition, account string
}

// unfitZones are the zones in which EKS takes no subnets of a cluster ("View
// Amazon EKS networking requirements for VPC and subnets").
var unfitZones = []string{"use1-az3", "usw1-az2", "cac1-az3"}

// look asks AWS whether the settings can be had, and reports everything that
// cannot at once.
func (d deployment) look() (found, error) {
	var f found
	var v service.Violations
	ask := pulumi.Provider(d.Provider)
	caller, err := aws.GetCallerIdentity(d.Ctx, &aws.GetCallerIdentityArgs{}, ask)
	if err != nil {
		// Without credentials every question fails alike.
		return f, fmt.Errorf("asking AWS who is calling: %w", err)
	}
	if f.partition, err = iampolicy.Partition(caller.Arn); err != nil {
		return f, err
	}
	f.account = caller.AccountId
	// A session's ARN does not have the role's path, so it cannot be turned into
	// the role's by hand.
	session, err := iam.GetSessionContext(d.Ctx, &iam.GetSessionContextArgs{Arn: caller.Arn}, ask)
	switch {
	case err != nil:
		v.Add("eks.admins", "whose role %s is cannot be asked for (iam:GetRole): %s", caller.Arn, err)
	case !principalARN.MatchString(session.IssuerArn):
		v.Add("eks.admins", "%s updates the stack, and cannot be let into a cluster: EKS takes IAM users and roles", session.IssuerArn)
	default:
		f.caller = session.IssuerArn
	}
	if f.zones, err = d.zones(ask); err != nil {
		v.Add("eks.region", "the zones of %q cannot be asked for: %s", d.settings.Region, err)
	} else if len(f.zones) < d.settings.Zones {
		v.Add("eks.zones", "%s has %d zones for EKS (%s), not %d", d.settings.Region, len(f.zones), strings.Join(f.zones, ", "), d.settings.Zones)
	}
	d.checkVersion(&v, ask)
	return f, v.Err()
}

func (d deployment) zones(ask pulumi.InvokeOption) ([]string, error) {
	available := "available"
	zones, err := aws.GetAvailabilityZones(d.Ctx, &aws.GetAvailabilityZonesArgs{
		State:          &available,
		ExcludeZoneIds: unfitZones,
		// Neither Local Zones nor Wavelength.
		Filters: []aws.GetAvailabilityZonesFilter{{Name: "opt-in-status", Values: []string{"opt-in-not-required"}}},
	}, ask)
	if err != nil {
		return nil, err
	}
	names := slices.Clone(zones.Names)
	slices.Sort(names)
	return names, nil
}

// checkVersion: a version that left standard support is one that Amazon has
// raised by itself by now (see cluster), so it would be lowered.
func (d deployment) checkVersion(v *service.Violations, ask pulumi.InvokeOption) {
	supported := "STANDARD_SUPPORT"
	answer, err := eks.GetClusterVersions(d.Ctx, &eks.GetClusterVersionsArgs{VersionStatus: &supported}, ask)
	if err != nil {
		v.Add("eks.version", "which versions there are cannot be asked for: %s", err)
		return
	}
	var versions []string
	for _, one := range answer.ClusterVersions {
		versions = append(versions, one.ClusterVersion)
	}
	slices.Sort(versions)
	if !slices.Contains(versions, d.settings.Version) {
		v.Add("eks.version", "%q is not in standard support in %s; these are: %s", d.settings.Version, d.settings.Region, strings.Join(versions, ", "))
	}
}
