package cloudfake

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
	"escala/infra/engine/offline/clouds"
)

// DefaultVPC makes the default VPC that a region gets with its first use. It
// returns the VPC's id.
func (d *DigitalOcean) DefaultVPC(region string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.defaultVPCs[region] == "" {
		d.defaultVPCs[region] = clouds.DefaultVPC
	}
	return d.defaultVPCs[region]
}

func (d *DigitalOcean) getVPC(args resource.PropertyMap) (resource.PropertyMap, error) {
	id, region := text(args, "id"), text(args, "region")
	d.mu.Lock()
	for name, own := range d.defaultVPCs {
		if own == id || name == region {
			d.mu.Unlock()
			return vpcFound(own, name, "10.114.0.0/20", true), nil
		}
	}
	d.mu.Unlock()
	for _, e := range d.OfType(doVPC) {
		if e.ID == id {
			return vpcFound(id, text(e.Inputs, "region"), text(e.Inputs, "ipRange"), false), nil
		}
	}
	if id == "" {
		d.CountOccurrence("no-default-vpc")
		return nil, fmt.Errorf("unable to find default VPC in %s region", region)
	}
	return nil, fmt.Errorf("no VPC has the id %s", id)
}

func vpcFound(id, region, ipRange string, isDefault bool) resource.PropertyMap {
	return resource.NewPropertyMapFromMap(map[string]any{"id": id, "region": region, "ipRange": ipRange, "default": isDefault})
}

func (d *DigitalOcean) networks() []Behaviour {
	return []Behaviour{
		{
			Name: "no-default-vpc", Test: "TestDropletLifeInANewAccount",
			Does:   "Has no default VPC in a region that was never used, and fails to look it up.",
			Source: "terraform-provider-digitalocean: digitalocean/vpc/datasource_vpc.go",
		},
		{
			Name: "first-vpc-stays", Test: "TestDigitalOceanNetworks", Types: []string{doVPC, doDroplet, doCluster},
			Does:   "Makes the first VPC of a region its default one, which it never deletes.",
			Source: doReference + "#tag/VPCs/operation/vpcs_delete",
			Before: func(e *offline.Event) error {
				d.mu.Lock()
				defer d.mu.Unlock()
				if e.Type == doVPC && e.Operation == offline.Delete && d.defaultVPCs[text(e.Inputs, "region")] == e.ID {
					return errors.New("403 Can not delete default VPCs")
				}
				return nil
			},
			After: func(e *offline.Event) bool {
				region := text(e.Inputs, "region")
				if e.Operation != offline.Create || region == "" {
					return false
				}
				if e.Type != doVPC {
					d.DefaultVPC(region)
					return false
				}
				d.mu.Lock()
				defer d.mu.Unlock()
				if d.defaultVPCs[region] != "" {
					return false
				}
				d.defaultVPCs[region] = e.ID
				return true
			},
		},
		{
			Name: "vpc-ranges-overlap", Test: "TestDigitalOceanNetworks", Types: []string{doVPC},
			Does:   "Refuses a VPC whose range overlaps with that of another one in the account.",
			Source: "https://docs.digitalocean.com/reference/terraform/reference/resources/vpc",
			Before: func(e *offline.Event) error {
				wanted, err := netip.ParsePrefix(text(e.Inputs, "ipRange"))
				if err != nil || e.Operation != offline.Create {
					return nil //nolint:nilerr // an invalid range overlaps with nothing
				}
				for _, other := range d.OfType(doVPC) {
					if taken, err := netip.ParsePrefix(text(other.Inputs, "ipRange")); err == nil && taken.Overlaps(wanted) {
						return errors.New("422 This range/size overlaps with another VPC network in your account: " + taken.String())
					}
				}
				return nil
			},
		},
		{
			Name: "vpc-members-leave-late", Test: "TestDOKSLife", Types: []string{doVPC, doCluster},
			Does:   "Deletes a cluster minutes after it was asked to, and refuses to delete its VPC until then; the provider retries for two minutes unless it is told otherwise.",
			Source: doIssues + "488",
			Before: func(e *offline.Event) error {
				d.mu.Lock()
				defer d.mu.Unlock()
				if e.Type == doCluster && e.Operation == offline.Delete {
					d.lingering[text(e.Inputs, "vpcUuid")] = true
				}
				if e.Type == doVPC && e.Operation == offline.Delete && d.lingering[e.ID] && e.Timeout < minDeleteRetry {
					return errors.New("409 Can not delete VPC with members")
				}
				return nil
			},
		},
		{
			Name: "project-moves-address", Test: "TestDigitalOceanNetworks", Types: []string{doProject},
			Does:   "Moves a Project's resources to the default one before it deletes it, and refuses that for a Reserved IP that leads to a Droplet.",
			Source: doIssues + "1264",
			Before: func(e *offline.Event) error {
				if e.Operation != offline.Delete {
					return nil
				}
				for _, member := range e.Inputs["resources"].ArrayValue() {
					for _, move := range d.OfType(doMove) {
						if strings.HasSuffix(member.StringValue(), ":"+text(move.Inputs, "ipAddress")) {
							return errors.New("412 Cannot move a Reserved IP with an associated Droplet. Move the Droplet instead")
						}
					}
				}
				return nil
			},
		},
		{
			Name: "firewall-goes-by-its-tag", Test: "TestDropletLife", Types: []string{doFirewall},
			Does:   "Leaves a Droplet open to everyone once its firewall goes by another tag.",
			Source: "https://docs.digitalocean.com/products/networking/firewalls/how-to/configure-rules/",
			After: func(e *offline.Event) bool {
				if e.Operation != offline.Update && e.Operation != offline.Delete {
					return false
				}
				covered := map[string]bool{}
				for _, firewall := range d.OfType(doFirewall) {
					if firewall.ID != e.ID {
						addTags(covered, firewall.Inputs)
					}
				}
				if e.Operation == offline.Update {
					addTags(covered, e.Inputs)
				}
				return slices.ContainsFunc(d.OfType(doDroplet), func(droplet offline.Event) bool {
					own := map[string]bool{}
					addTags(own, droplet.Inputs)
					for tag := range own {
						if covered[tag] {
							return false
						}
					}
					return true
				})
			},
		},
		{
			Name: "tag-goes-from-all", Test: "TestDropletSecondClone", Types: []string{doTag},
			Does:   "Takes a tag that is deleted off every Droplet of the account, and so the firewall that goes by it.",
			Source: doReference + "#tag/Tags/operation/tags_delete",
			After: func(e *offline.Event) bool {
				if e.Operation != offline.Delete {
					return false
				}
				name := text(e.Inputs, "name")
				return slices.ContainsFunc(d.OfType(doDroplet), func(droplet offline.Event) bool {
					return droplet.Inputs["tags"].IsArray() && slices.ContainsFunc(droplet.Inputs["tags"].ArrayValue(), func(tag resource.PropertyValue) bool {
						return tag.IsString() && tag.StringValue() == name
					})
				})
			},
		},
	}
}

// addTags adds the names of a resource's tags to a set.
func addTags(set map[string]bool, inputs resource.PropertyMap) {
	tags, _ := offline.Plain(inputs)["tags"].([]any)
	for _, tag := range tags {
		set[fmt.Sprint(tag)] = true
	}
}
