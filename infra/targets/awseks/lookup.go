package awseks

import (
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/awsaccount"
	"escala/infra/deploy/awsdns"
	"escala/service"
)

// lookup holds AWS' answers from before anything was registered.
type lookup struct {
	// zones are the availability zones that the cluster can use.
	zones []string
	// deployer is the ARN of the user or role that updates the stack.
	deployer string
	// version is the cluster's version. clusterOptions are resource options
	// that depend on it.
	version        string
	clusterOptions []pulumi.ResourceOption
	// account is the account that the stack is in.
	account awsaccount.Account
	// dns are the zones of the service's names. balancerZone is the id of the
	// zone that the load balancer's name is in.
	dns          awsdns.Zones
	balancerZone string
}

// unfitZones are the zones in which EKS accepts no cluster subnets ("View
// Amazon EKS networking requirements for VPC and subnets").
var unfitZones = []string{"use1-az3", "usw1-az2", "cac1-az3"}

// ask checks with AWS that the settings fit the account. It reports all
// problems at once.
func (d deployment) ask() (lookup, error) {
	var f lookup
	var v service.Violations
	provider := pulumi.Provider(d.Provider)
	var err error
	if f.account, err = awsaccount.Ask(d.Component); err != nil {
		return f, err
	}
	f.deployer = d.deployer(&v, f.account.Caller, provider)
	if d.settings.VPCID != "" {
		d.checkNetwork(&v, provider)
	} else if f.zones, err = d.zones(provider); err != nil {
		v.Add("eks.region", "looking up the zones of %q failed: %s", d.settings.Region, err)
	} else if len(f.zones) < d.settings.Zones {
		v.Add("eks.zones", "%s has %d zones for EKS (%s), not %d", d.settings.Region, len(f.zones), strings.Join(f.zones, ", "), d.settings.Zones)
	}
	cluster := d.running(provider)
	d.refuseMove(cluster, &v, provider)
	d.chooseVersion(&f, cluster, &v, provider)
	d.findZones(&f, &v, provider)
	return f, v.Err()
}

// deployer returns the principal that updates the stack: eks.deployer, or the
// caller. A preview changes no access, so it shows the last deployer even if
// another principal runs it.
func (d deployment) deployer(v *service.Violations, caller string, provider pulumi.InvokeOption) string {
	last, _ := d.Request.Outputs[outputDeployer].(string)
	if d.Ctx.DryRun() && d.settings.Deployer != "" {
		return d.settings.Deployer
	}
	if d.Ctx.DryRun() && last != "" {
		return last
	}
	// A session's ARN does not contain the role's path, so the role's ARN must be
	// looked up.
	session, err := iam.GetSessionContext(d.Ctx, &iam.GetSessionContextArgs{Arn: caller}, provider)
	if err != nil {
		v.Add("eks.deployer", "looking up the role of session %s failed (it needs iam:GetRole): %s", caller, err)
		return ""
	}
	principal := session.IssuerArn
	switch {
	case !principalARN.MatchString(principal):
		v.Add("eks.deployer", "%s updates the stack, but cannot get access to a cluster: EKS accepts IAM users and roles", principal)
	case d.settings.Deployer == "" || d.settings.Deployer == principal:
		return principal
	case !slices.Contains(d.settings.Admins, principal):
		v.Add("eks.deployer", "is %s, but %s updates the stack: add it to eks.admins, or it cannot reach the cluster", d.settings.Deployer, principal)
	}
	return d.settings.Deployer
}

func (d deployment) zones(provider pulumi.InvokeOption) ([]string, error) {
	available := "available"
	zones, err := aws.GetAvailabilityZones(d.Ctx, &aws.GetAvailabilityZonesArgs{
		State:          &available,
		ExcludeZoneIds: unfitZones,
		// The filter excludes Local Zones and Wavelength Zones.
		Filters: []aws.GetAvailabilityZonesFilter{{Name: "opt-in-status", Values: []string{"opt-in-not-required"}}},
	}, provider)
	if err != nil {
		return nil, err
	}
	names := slices.Clone(zones.Names)
	slices.Sort(names)
	return names, nil
}
