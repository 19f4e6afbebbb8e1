package awseks

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lb"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/awsdns"
	"escala/infra/targets/kubernetes"
	"escala/service"
)

// makesRecords reports whether the stack makes the records of its names.
func (d deployment) makesRecords() bool { return d.settings.makesRecords(d.Request.Spec) }

func (s Settings) makesRecords(spec service.Spec) bool { return spec.MakesRecords(s.Zone) }

// zones returns the choice of zones for the service's names. It has no names if
// Route 53 is not needed.
func (s Settings) zones(spec service.Spec) awsdns.Choice {
	choice := awsdns.Choice{Key: "eks.zone", Zone: s.Zone}
	if s.makesRecords(spec) || s.certificateSource(spec) == issuedCertificate {
		choice.Names = spec.HostNames()
	}
	return choice
}

// findZones finds the zones of the service's names and of the load balancer's name.
func (d deployment) findZones(f *lookup, v *service.Violations, ask pulumi.InvokeOption) {
	choice := d.settings.zones(d.Request.Spec)
	if len(choice.Names) == 0 {
		return
	}
	zones, problems := choice.Lookup(d.Ctx, ask)
	f.dns = zones
	*v = append(*v, problems...)
	if !d.makesRecords() {
		return
	}
	kind := "application"
	balancer, err := lb.GetHostedZoneId(d.Ctx, &lb.GetHostedZoneIdArgs{Region: &d.settings.Region, LoadBalancerType: &kind}, ask)
	if err != nil {
		v.Add("eks.region", "the zone of the load balancers of %s is not known, so no record can lead to one: %s", d.settings.Region, err)
		return
	}
	f.balancerZone = balancer.Id
}

// records registers the records that lead to the load balancer. Its name is known
// once the ingress controller has created it. The workload's gate waits for that.
func (d deployment) records(w *kubernetes.Workload) error {
	if !d.makesRecords() {
		return nil
	}
	_, err := awsdns.Aliases(d.registrar, d.lookup.dns, w.Address, d.lookup.balancerZone)
	return err
}
