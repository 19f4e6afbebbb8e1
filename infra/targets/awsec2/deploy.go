package awsec2

import (
	"fmt"
	"maps"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ec2"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/cloudinit"
	"escala/infra/deploy"
	"escala/infra/deploy/awsaccount"
	"escala/infra/deploy/awsdns"
	"escala/service"
)

// deployment is the state of one call of Deploy.
type deployment struct {
	*deploy.Component
	settings Settings
	lookup   lookup
}

// Deploy registers the target's resources.
func (t *EC2) Deploy(c *deploy.Component) (deploy.Endpoint, error) {
	d := deployment{Component: c, settings: t.settings}
	if err := awsaccount.Register(c, d.settings.Region, d.settings.Tags); err != nil {
		return deploy.Endpoint{}, err
	}
	// The lookup comes before anything else is registered.
	var err error
	if d.lookup, err = d.ask(); err != nil {
		return deploy.Endpoint{}, err
	}
	return d.run()
}

func (d deployment) run() (deploy.Endpoint, error) {
	none := deploy.Endpoint{}
	net, err := d.network()
	if err != nil {
		return none, err
	}
	// Bucket names are unique worldwide, so a stack in another region needs
	// another name.
	unique, err := d.RandomHex("releases", 8, map[string]string{"region": d.settings.Region})
	if err != nil {
		return none, err
	}
	store, err := d.releases(unique)
	if err != nil {
		return none, err
	}
	secrets, err := d.secrets(unique)
	if err != nil {
		return none, err
	}
	role, err := d.access(store, secrets)
	if err != nil {
		return none, err
	}
	var address *ec2.Eip
	var known pulumi.StringInput = pulumi.String("")
	if d.Request.Spec.TLSMode() == service.TLSIP {
		// The machine's certificate is for the address itself.
		if address, err = d.address(); err != nil {
			return none, err
		}
		known = address.PublicIp
	}
	m, outputs, err := d.instance(net, store, secrets, role, known)
	if err != nil {
		return none, err
	}
	if err := d.machineObjects(store, role, m); err != nil {
		return none, err
	}
	if address == nil {
		if address, err = d.address(); err != nil {
			return none, err
		}
	}
	cutover := deploy.Cutover{
		Machine:   m,
		Own:       m.PublicIp,
		Stable:    address.PublicIp,
		Published: deploy.Published(d.Request, store.pointer),
		Move: func(healthy pulumi.StringOutput) (pulumi.CustomResource, error) {
			return d.associate(address, healthy)
		},
		Store:  store.bucket.Bucket,
		Stored: d.storedStatus,
		Ask: func(id string) string {
			return troubleshooting(d.settings.Region, id)
		},
	}
	if d.settings.makesRecords(d.Request.Spec) {
		cutover.Records = func(address pulumi.StringOutput) ([]pulumi.Resource, error) {
			registrar, err := awsdns.NewRegistrar(d.Component, d.settings.Region)
			if err != nil {
				return nil, err
			}
			return awsdns.Addresses(registrar, d.lookup.dns, address)
		}
	}
	endpoint, err := cutover.Run(d.Ctx, d.Request)
	if err != nil {
		return none, err
	}
	maps.Copy(endpoint.Outputs, outputs)
	return endpoint, d.alarms(m, endpoint)
}

// troubleshooting returns instructions for a person to find out what is wrong with a
// machine. The console comes first, because it needs neither the machine's agent
// nor its internet access. The internet access is what is most often missing.
func troubleshooting(region, id string) string {
	return fmt.Sprintf("(the machine's console output and its own diagnosis)\n"+
		"aws ec2 get-console-output --latest --output text --region %[1]s --instance-id %[2]s\n"+
		"aws ssm start-session --region %[1]s --target %[2]s\n"+
		"sudo %[3]s diagnose", region, id, cloudinit.AgentPath)
}
