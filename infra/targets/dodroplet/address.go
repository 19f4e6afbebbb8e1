package dodroplet

import (
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// address is the Reserved IP: it stays while machines come and go.
func (d deployment) address() (*digitalocean.ReservedIp, error) {
	address, err := digitalocean.NewReservedIp(d.Ctx, d.Name("address"), &digitalocean.ReservedIpArgs{
		Region: pulumi.String(d.settings.Region),
	}, d.Options(
		// DigitalOcean fills it in once it is assigned; the assignment is a
		// resource of its own.
		pulumi.IgnoreChanges([]string{"dropletId"}),
	)...)
	if err != nil {
		return nil, fmt.Errorf("registering the address: %w", err)
	}
	return address, nil
}

// assign lets the address lead to a machine. DigitalOcean moves an address that
// leads elsewhere in one step, so the assignment that is not true any more must
// go after the new one is there.
func (d deployment) assign(address *digitalocean.ReservedIp, machine pulumi.StringOutput) (*digitalocean.ReservedIpAssignment, error) {
	droplet := machine.ApplyT(func(id string) (int, error) {
		n, err := strconv.Atoi(id)
		if err != nil {
			return 0, fmt.Errorf("reading the Droplet's id: %w", err)
		}
		return n, nil
	}).(pulumi.IntOutput)
	return digitalocean.NewReservedIpAssignment(d.Ctx, d.Name("address"), &digitalocean.ReservedIpAssignmentArgs{
		IpAddress: address.IpAddress,
		DropletId: droplet,
	}, d.Options(pulumi.DeleteBeforeReplace(false))...)
}

// project shows what belongs to the stack together in DigitalOcean's own view.
func (d deployment) project(m *digitalocean.Droplet, store releaseStore, address *digitalocean.ReservedIp) error {
	if _, err := digitalocean.NewProject(d.Ctx, d.Name("project"), &digitalocean.ProjectArgs{
		Name:        pulumi.String(d.label()),
		Description: pulumi.Sprintf("Stack %s of %s", d.Ctx.Stack(), d.Ctx.Project()),
		Purpose:     pulumi.String("Service or API"),
		Resources:   pulumi.StringArray{m.DropletUrn, store.bucket.BucketUrn, address.ReservedIpUrn},
	}, d.Options()...); err != nil {
		return fmt.Errorf("registering the project: %w", err)
	}
	return nil
}
