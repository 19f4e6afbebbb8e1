package dodroplet

import (
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// addressName is the address' logical name. It does not contain the service's
// name, so a service that is renamed keeps its address.
const addressName = "address"

// address registers the Reserved IP. It stays the same when the machine is
// replaced.
func (d deployment) address() (*digitalocean.ReservedIp, error) {
	address, err := digitalocean.NewReservedIp(d.Ctx, addressName, &digitalocean.ReservedIpArgs{
		Region: pulumi.String(d.settings.Region),
	}, d.Options(
		// DigitalOcean sets this property when the address is assigned. The
		// assignment is a separate resource.
		pulumi.IgnoreChanges([]string{"dropletId"}),
		d.calledAfterService("address"),
	)...)
	if err != nil {
		return nil, fmt.Errorf("registering the address: %w", err)
	}
	return address, nil
}

// assign assigns the address to a machine. DigitalOcean moves an assigned
// address in one step, so the old assignment must be deleted after the new one
// is made.
func (d deployment) assign(address *digitalocean.ReservedIp, machine pulumi.StringOutput) (*digitalocean.ReservedIpAssignment, error) {
	droplet := machine.ApplyT(func(id string) (int, error) {
		n, err := strconv.Atoi(id)
		if err != nil {
			return 0, fmt.Errorf("reading the Droplet's id: %w", err)
		}
		return n, nil
	}).(pulumi.IntOutput)
	return digitalocean.NewReservedIpAssignment(d.Ctx, addressName, &digitalocean.ReservedIpAssignmentArgs{
		IpAddress: address.IpAddress,
		DropletId: droplet,
	}, d.Options(pulumi.DeleteBeforeReplace(false), d.calledAfterService("address"))...)
}
