package dodroplet

import (
	"fmt"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// network is where the Droplet stands.
type network struct {
	vpc *digitalocean.Vpc
	// tag is what the firewall goes by: a Droplet is behind it from its first
	// moment, and not only once the firewall has heard of it.
	tag      *digitalocean.Tag
	firewall *digitalocean.Firewall
}

func (d deployment) network() (network, error) {
	args := &digitalocean.VpcArgs{Region: pulumi.String(d.settings.Region)}
	if d.settings.CIDR != "" {
		args.IpRange = pulumi.String(d.settings.CIDR)
	}
	vpc, err := digitalocean.NewVpc(d.Ctx, d.Name("network"), args, d.Options()...)
	if err != nil {
		return network{}, fmt.Errorf("registering the network: %w", err)
	}
	tag, err := digitalocean.NewTag(d.Ctx, d.Name("machines"), &digitalocean.TagArgs{Name: pulumi.String(d.label())}, d.Options()...)
	if err != nil {
		return network{}, fmt.Errorf("registering the machines' tag: %w", err)
	}
	firewall, err := d.firewall(tag)
	return network{vpc: vpc, tag: tag, firewall: firewall}, err
}

// firewall lets the web in, and nothing else; nobody logs in.
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
