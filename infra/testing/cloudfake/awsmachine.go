package cloudfake

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

// awsZones are the zones of the region. The last one is what AWS picks for a
// subnet that names none.
var awsZones = []string{"eu-central-1a", "eu-central-1b", "eu-central-1c"}

// NewImage publishes another Debian image, which becomes the newest.
func (a *AWS) NewImage(arch, id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.images[arch] = append(a.images[arch], id)
}

// WithdrawImage removes an image, as Debian does.
func (a *AWS) WithdrawImage(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for arch, images := range a.images {
		a.images[arch] = slices.DeleteFunc(images, func(i string) bool { return i == id })
	}
}

// LimitTypeToZones limits an instance type to some zones.
func (a *AWS) LimitTypeToZones(instanceType string, zones ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.typeZones[instanceType] = zones
}

// TagVolumes puts a tag on every volume, as a backup tool does.
func (a *AWS) TagVolumes(key, value string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.volumeTags[key] = value
}

// machines returns the behaviours of EC2.
func (a *AWS) machines() []Behaviour {
	return []Behaviour{
		{
			Name: "zone-is-picked", Types: []string{awsSubnet, awsInstance}, Test: "TestZoneWithoutTheInstanceType",
			Does:   "Picks the zone of a subnet that names none.",
			Source: "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html",
			After: func(e *offline.Event) bool {
				if e.Operation != offline.Create || text(e.Inputs, "availabilityZone") != "" {
					return false
				}
				if e.Type == awsInstance {
					e.Outputs["availabilityZone"] = resource.NewProperty(a.zoneOf(text(e.Inputs, "subnetId")))
					return false
				}
				e.Outputs["availabilityZone"] = resource.NewProperty(awsZones[len(awsZones)-1])
				return true
			},
		},
		{
			Name: "zone-lacks-type", Types: []string{awsInstance}, Test: "TestZoneWithoutTheInstanceType",
			Does:   "Does not have every instance type in every zone.",
			Source: "https://github.com/ned1313/Getting-Started-Terraform/issues/44",
			Before: func(e *offline.Event) error {
				if e.Operation != offline.Create {
					return nil
				}
				kind, zone := text(e.Inputs, "instanceType"), a.zoneOf(text(e.Inputs, "subnetId"))
				if zones := a.zonesOf(kind); !slices.Contains(zones, zone) {
					//nolint:staticcheck // as EC2 says it
					return fmt.Errorf("Unsupported: Your requested instance type (%s) is not supported in your requested Availability Zone (%s). "+
						"Please retry your request by not specifying an Availability Zone or choosing %s.", kind, zone, strings.Join(zones, ", "))
				}
				return nil
			},
		},
		{
			Name: "image-is-withdrawn", Types: []string{awsInstance}, Test: "TestReplacedMachineGetsTheNewestImage",
			Does:   "Starts no instance from an image that its owner has withdrawn.",
			Source: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/deregister-ami.html",
			Before: func(e *offline.Event) error {
				id := text(e.Inputs, "ami")
				if e.Operation == offline.Create && !a.hasImage(id) {
					return fmt.Errorf("InvalidAMIID.NotFound: The image id '[%s]' does not exist", id)
				}
				return nil
			},
		},
		{
			Name: "volume-tags-are-read-back", Types: []string{awsInstance}, Test: "TestTagOnTheVolume",
			Does:   "Reads the volume's tags back into the instance, those of others too.",
			Source: "https://github.com/hashicorp/terraform-provider-aws/issues/38301",
			After: func(e *offline.Event) bool {
				a.mu.Lock()
				defer a.mu.Unlock()
				if e.Operation != offline.Read || len(a.volumeTags) == 0 {
					return false
				}
				e.Inputs, e.Outputs = withVolumeTags(e.Inputs, a.volumeTags), withVolumeTags(e.Outputs, a.volumeTags)
				return true
			},
		},
		{
			Name: "move-frees-the-own-address", Types: []string{awsMove}, Test: "TestLifecycle",
			Does:   "Takes an instance's own public address away when an Elastic IP moves to it.",
			Source: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html",
			After:  func(e *offline.Event) bool { return e.Operation == offline.Create },
		},
		{
			Name: "network-in-use", Types: []string{awsVPC, awsSubnet, awsGroup}, Test: "TestAWSLife",
			Does:   "Deletes no network, subnet or security group that something is still in.",
			Source: "https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html",
			Before: func(e *offline.Event) error {
				if e.Operation != offline.Delete {
					return nil
				}
				for _, other := range a.All() {
					if other.ID != e.ID && mentions(other.Inputs, e.ID) && other.Type != awsRolePolicy {
						return fmt.Errorf("DependencyViolation: %s '%s' has dependencies and cannot be deleted: %s", e.Type, e.ID, other.Name)
					}
				}
				return nil
			},
		},
	}
}

// withVolumeTags adds tags to those of the root volume.
func withVolumeTags(props resource.PropertyMap, more map[string]string) resource.PropertyMap {
	disk := props["rootBlockDevice"]
	if !disk.IsObject() {
		return props
	}
	all := resource.PropertyMap{}
	if own := disk.ObjectValue()["tags"]; own.IsObject() {
		all = own.ObjectValue().Copy()
	}
	for key, value := range more {
		all[resource.PropertyKey(key)] = resource.NewProperty(value)
	}
	changed := disk.ObjectValue().Copy()
	changed["tags"] = resource.NewProperty(all)
	props = props.Copy()
	props["rootBlockDevice"] = resource.NewProperty(changed)
	return props
}

// mentions reports whether any text among properties contains an id.
func mentions(props resource.PropertyMap, id string) bool {
	return contains(offline.Plain(props), id)
}

func contains(value any, id string) bool {
	switch v := value.(type) {
	case string:
		return v == id
	case []any:
		return slices.ContainsFunc(v, func(item any) bool { return contains(item, id) })
	case map[string]any:
		for _, item := range v {
			if contains(item, id) {
				return true
			}
		}
	}
	return false
}

// zoneOf returns the zone of a subnet. A subnet outside of the account is in the
// first zone.
func (a *AWS) zoneOf(subnet string) string {
	for _, s := range a.OfType(awsSubnet) {
		if s.ID == subnet {
			return text(s.Outputs, "availabilityZone")
		}
	}
	return awsZones[0]
}

// zonesOf returns the zones that have an instance type.
func (a *AWS) zonesOf(instanceType string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if zones, some := a.typeZones[instanceType]; some {
		return zones
	}
	return awsZones
}

func (a *AWS) hasImage(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, images := range a.images {
		if slices.Contains(images, id) {
			return true
		}
	}
	return false
}

// newestImage answers getAmi.
func (a *AWS) newestImage(args resource.PropertyMap) (resource.PropertyMap, error) {
	arch, id := "", ""
	for _, filter := range args["filters"].ArrayValue() {
		value := filter.ObjectValue()["values"].ArrayValue()[0].StringValue()
		switch text(filter.ObjectValue(), "name") {
		case "architecture":
			arch = value
		case "image-id":
			id = value
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for of, images := range a.images {
		if (id != "" && slices.Contains(images, id)) || (id == "" && of == arch && len(images) > 0) {
			if id == "" {
				id = images[len(images)-1]
			}
			return resource.NewPropertyMapFromMap(map[string]any{"id": id, "imageId": id, "architecture": of}), nil
		}
	}
	return nil, errors.New("Your query returned no results. Please change your search criteria and try again.") //nolint:revive,staticcheck // as the provider says it
}
