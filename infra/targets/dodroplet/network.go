package dodroplet

import (
	"fmt"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// network is the Droplet's network.
type network struct {
	// vpc is the VPC's id, or nil for the region's default VPC.
	vpc pulumi.StringPtrInput
	// tag selects the Droplets behind the firewall. With the tag, a Droplet is
	// protected from its creation on, and not only after it is added to the
	// firewall.
	tag      *digitalocean.Tag
	firewall *digitalocean.Firewall
}

// network registers the firewall and, if the settings contain an address range,
// a VPC. unique distinguishes this stack's tag from that of another clone.
func (d deployment) network(unique pulumi.StringOutput) (network, error) {
	var net network
	var err error
	// DigitalOcean refuses a second VPC with the range of the first.
	name, renamed := d.StableName("network")
	if net.vpc, err = d.settings.vpc().Register(d.Ctx, name, "15m", d.Options(renamed)...); err != nil {
		return net, err
	}
	// Destroying a tag removes it from every Droplet that has it.
	net.tag, err = digitalocean.NewTag(d.Ctx, d.Name("machines"), &digitalocean.TagArgs{
		Name: pulumi.Sprintf("%s-%s", d.label(), unique),
		// Otherwise the provider would delete the tag before the stack serves in
		// another region, and the machine would lose its firewall.
	}, d.Options(pulumi.DeleteBeforeReplace(false))...)
	if err != nil {
		return net, fmt.Errorf("registering the machines' tag: %w", err)
	}
	net.firewall, err = d.firewall(net.tag)
	return net, err
}

// firewall allows HTTP and HTTPS from everywhere, and SSH from the addresses in
// the settings.
func (d deployment) firewall(tag *digitalocean.Tag) (*digitalocean.Firewall, error) {
	anywhere := pulumi.ToStringArray([]string{"0.0.0.0/0", "::/0"})
	var in digitalocean.FirewallInboundRuleArray
	for _, port := range []string{"80", "443"} {
		in = append(in, &digitalocean.FirewallInboundRuleArgs{
			Protocol:        pulumi.String("tcp"),
			PortRange:       pulumi.String(port),
			SourceAddresses: anywhere,
		})
	}
	if len(d.settings.SSHFrom) > 0 {
		in = append(in, &digitalocean.FirewallInboundRuleArgs{
			Protocol:        pulumi.String("tcp"),
			PortRange:       pulumi.String("22"),
			SourceAddresses: pulumi.ToStringArray(d.settings.SSHFrom),
		})
	}
	out := digitalocean.FirewallOutboundRuleArray{&digitalocean.FirewallOutboundRuleArgs{
		Protocol:             pulumi.String("icmp"),
		DestinationAddresses: anywhere,
	}}
	for _, protocol := range []string{"tcp", "udp"} {
		out = append(out, &digitalocean.FirewallOutboundRuleArgs{
			Protocol:             pulumi.String(protocol),
			PortRange:            pulumi.String("1-65535"),
			DestinationAddresses: anywhere,
		})
	}
	firewall, err := digitalocean.NewFirewall(d.Ctx, d.Name("web"), &digitalocean.FirewallArgs{
		Tags:          pulumi.StringArray{tag.Name},
		InboundRules:  in,
		OutboundRules: out,
		// After a change of the tag, the old firewall stays as long as the old
		// machine.
	}, d.Options(pulumi.ReplaceOnChanges([]string{"tags"}))...)
	if err != nil {
		return nil, fmt.Errorf("registering the firewall: %w", err)
	}
	return firewall, nil
}
