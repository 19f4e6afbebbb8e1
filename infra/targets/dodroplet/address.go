package dodroplet

import (
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// addressName is the address' name in the program. A service that gets another
// name keeps its address.
const addressName = "address"

// address is the Reserved IP: it stays while machines come and go.
func (d deployment) address() (*digitalocean.ReservedIp, error) {
	address, err := digitalocean.NewReservedIp(d.Ctx, addressName, &digitalocean.ReservedIpArgs{
		Region: pulumi.String(d.settings.Region),
	}, d.Options(
		// DigitalOcean fills it in once it is assigned; the assignment is a
		// resource of its own.
		pulumi.IgnoreChanges([]string{"dropletId"}),
		d.calledAfterService("address"),
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
	return digitalocean.NewReservedIpAssignment(d.Ctx, addressName, &digitalocean.ReservedIpAssignmentArgs{
		IpAddress: address.IpAddress,
		DropletId: droplet,
	}, d.Options(pulumi.DeleteBeforeReplace(false), d.calledAfterService("address"))...)
}
