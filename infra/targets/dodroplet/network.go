package dodroplet

import (
	"fmt"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// network is where the Droplet stands.
type network struct {
	// vpc is the VPC's id, or nil for the region's default one.
	vpc pulumi.StringPtrInput
	// tag is what the firewall goes by: a Droplet is behind it from its first
	// moment, and not only once the firewall has heard of it.
	tag      *digitalocean.Tag
	firewall *digitalocean.Firewall
}

// network registers the firewall and, where the settings name an address range,
// a VPC. unique is what tells this stack's tag from that of another clone.
func (d deployment) network(unique pulumi.StringOutput) (network, error) {
	var net network
	var err error
	if net.vpc, err = d.settings.vpc().Register(d.Ctx, d.Name("network"), "15m", d.Options()...); err != nil {
		return net, err
	}
	// Destroying a tag takes it off every Droplet that has it.
	net.tag, err = digitalocean.NewTag(d.Ctx, d.Name("machines"), &digitalocean.TagArgs{
		Name: pulumi.Sprintf("%s-%s", d.label(), unique),
	}, d.Options()...)
	if err != nil {
		return net, fmt.Errorf("registering the machines' tag: %w", err)
	}
	net.firewall, err = d.firewall(net.tag)
	return net, err
}

// firewall lets the web in, and SSH from the addresses that the settings name.
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
	}, d.Options()...)
	if err != nil {
		return nil, fmt.Errorf("registering the firewall: %w", err)
	}
	return firewall, nil
}
