package cloudfake

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
	"escala/infra/engine/offline/clouds"
)

// DigitalOcean is an account at DigitalOcean.
type DigitalOcean struct {
	*Account

	mu sync.Mutex
	// providers counts those that were made for the account.
	providers int
	// defaultVPCs are the ids of the regions' default VPCs.
	defaultVPCs map[string]string
	// buckets are all names that a bucket ever had.
	buckets map[string]bool
	// overwritten are the objects that somebody wrote to by hand, by their keys.
	overwritten map[string]bool
	// lingering are the VPCs that a cluster's workers have not yet left.
	lingering map[string]bool
}

// The types that behaviours are about.
const (
	doDroplet   = "digitalocean:index/droplet:Droplet"
	doVPC       = "digitalocean:index/vpc:Vpc"
	doTag       = "digitalocean:index/tag:Tag"
	doProject   = "digitalocean:index/project:Project"
	doBucket    = "digitalocean:index/spacesBucket:SpacesBucket"
	doObject    = "digitalocean:index/spacesBucketObject:SpacesBucketObject"
	doCluster   = "digitalocean:index/kubernetesCluster:KubernetesCluster"
	doRegistry  = "digitalocean:index/containerRegistry:ContainerRegistry"
	doMove      = "digitalocean:index/reservedIpAssignment:ReservedIpAssignment"
	doGetVPC    = "digitalocean:index/getVpc:getVpc"
	doReference = "https://docs.digitalocean.com/reference/api/digitalocean/"
	doIssues    = "https://github.com/digitalocean/terraform-provider-digitalocean/issues/"
)

// patientDelete is how long a deletion has to be retried for everything to have
// left a VPC, in seconds.
const patientDelete = 600

// NewDigitalOcean returns an account in which nothing was ever made: no region
// has a default VPC.
func NewDigitalOcean() *DigitalOcean {
	d := &DigitalOcean{
		Account:     newAccount(),
		defaultVPCs: map[string]string{}, buckets: map[string]bool{}, overwritten: map[string]bool{}, lingering: map[string]bool{},
	}
	d.behaviours = slices.Concat(d.networks(), d.spaces(), d.clusters(), d.names())
	return d
}

// Provider returns the DigitalOcean provider of this account. effect may be nil.
func (d *DigitalOcean) Provider(effect offline.Effect) *offline.Provider {
	d.mu.Lock()
	d.providers++
	number := d.providers
	d.mu.Unlock()
	behave := d.Effect(effect)
	p := clouds.DigitalOcean(func(e *offline.Event) error {
		// Ids are the whole account's.
		if e.Operation == offline.Create && number > 1 && (e.Type == doDroplet || e.Type == doCluster) {
			e.ID = e.ID[:3] + strconv.Itoa(number) + e.ID[4:]
		}
		return behave(e)
	}).NumberFrom(1000 * (number - 1))
	p.Answer(doGetVPC, d.getVPC)
	return p
}

// Overwrite has somebody write to an object by hand.
func (d *DigitalOcean) Overwrite(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.overwritten[key] = true
}

// DefaultVPC has somebody use a region, which gets a default VPC by that. It
// returns its id.
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
	for _, e := range d.Of(doVPC) {
		if e.ID == id {
			return vpcFound(id, text(e.Inputs, "region"), text(e.Inputs, "ipRange"), false), nil
		}
	}
	if id == "" {
		d.Meet("no-default-vpc")
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
			Name: "vpc-members-leave-late", Test: "TestDOKSLife", Types: []string{doVPC, doCluster},
			Does:   "Deletes a cluster minutes after it was asked to, and refuses to delete its VPC until then; the provider retries for two minutes unless it is told otherwise.",
			Source: doIssues + "488",
			Before: func(e *offline.Event) error {
				d.mu.Lock()
				defer d.mu.Unlock()
				if e.Type == doCluster && e.Operation == offline.Delete {
					d.lingering[text(e.Inputs, "vpcUuid")] = true
				}
				if e.Type == doVPC && e.Operation == offline.Delete && d.lingering[e.ID] && e.Timeout < patientDelete {
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
					for _, move := range d.Of(doMove) {
						if strings.HasSuffix(member.StringValue(), ":"+text(move.Inputs, "ipAddress")) {
							return errors.New("412 Cannot move a Reserved IP with an associated Droplet. Move the Droplet instead")
						}
					}
				}
				return nil
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
				return slices.ContainsFunc(d.Of(doDroplet), func(droplet offline.Event) bool {
					return droplet.Inputs["tags"].IsArray() && slices.ContainsFunc(droplet.Inputs["tags"].ArrayValue(), func(tag resource.PropertyValue) bool {
						return tag.IsString() && tag.StringValue() == name
					})
				})
			},
		},
	}
}

func (d *DigitalOcean) spaces() []Behaviour {
	return []Behaviour{
		{
			Name: "rules-by-id", Test: "TestDropletLife", Types: []string{doBucket},
			Does:   "Returns a bucket's lifecycle rules in the order of their ids; the provider compares a list.",
			Source: "https://github.com/linode/terraform-provider-linode/issues/610",
			After: func(e *offline.Event) bool {
				rules := e.Inputs["lifecycleRules"]
				if !rules.IsArray() {
					return false
				}
				id := func(v resource.PropertyValue) string { return text(v.ObjectValue(), "id") }
				sorted := slices.SortedFunc(slices.Values(rules.ArrayValue()), func(a, b resource.PropertyValue) int { return cmp.Compare(id(a), id(b)) })
				changed := !resource.NewProperty(sorted).DeepEquals(rules)
				if e.Operation == offline.Read {
					e.Inputs["lifecycleRules"] = resource.NewProperty(sorted)
					e.Outputs["lifecycleRules"] = resource.NewProperty(sorted)
				}
				return changed
			},
		},
		{
			Name: "object-by-etag", Test: "TestDropletLife", Types: []string{doObject},
			Does:   "Reads nothing of an object's content back but its entity tag: what was overwritten is only found by that.",
			Source: "terraform-provider-digitalocean: digitalocean/spaces/resource_spaces_bucket_object.go",
			After: func(e *offline.Event) bool {
				d.mu.Lock()
				defer d.mu.Unlock()
				key := text(e.Inputs, "key")
				switch {
				case e.Operation == offline.Update, e.Operation == offline.Create:
					delete(d.overwritten, key)
				case e.Operation == offline.Read && d.overwritten[key] && e.Inputs.HasValue("etag"):
					other := resource.NewProperty("0123456789abcdef0123456789abcdef")
					e.Inputs["etag"], e.Outputs["etag"] = other, other
					return true
				}
				return false
			},
		},
		{
			Name: "bucket-name-kept", Test: "TestDropletLife", Types: []string{doBucket},
			Does:   "Keeps the name of a bucket that was deleted for days, and that of one that exists from everybody.",
			Source: "https://docs.digitalocean.com/products/spaces/how-to/destroy/",
			Before: func(e *offline.Event) error {
				if e.Operation != offline.Create {
					return nil
				}
				d.mu.Lock()
				defer d.mu.Unlock()
				name := text(e.Inputs, "name")
				if d.buckets[name] {
					return errors.New("BucketAlreadyExists: " + name)
				}
				d.buckets[name] = true
				return nil
			},
		},
		{
			Name: "spaces-regions", Test: "TestDropletBadInput", Types: []string{doBucket},
			Does:   "Has Spaces in fewer regions than Droplets.",
			Source: "terraform-provider-digitalocean: digitalocean/spaces/spaces_entities.go",
			Before: func(e *offline.Event) error {
				regions := []string{"ams3", "atl1", "blr1", "fra1", "lon1", "nyc3", "sfo2", "sfo3", "sgp1", "syd1", "tor1"}
				if region := text(e.Inputs, "region"); e.Operation == offline.Create && !slices.Contains(regions, region) {
					return fmt.Errorf("expected region to be one of %q, got %s", regions, region)
				}
				return nil
			},
		},
	}
}

func (d *DigitalOcean) clusters() []Behaviour {
	return []Behaviour{
		{
			Name: "last-patch-first", Test: "TestDOKSVersions", Types: []string{doCluster},
			Does:   "Refuses the next minor version of Kubernetes unless the cluster runs the last patch of its own.",
			Source: "https://docs.digitalocean.com/products/kubernetes/how-to/upgrade-cluster/",
			Before: func(e *offline.Event) error {
				if e.Operation != offline.Update {
					return nil
				}
				for _, before := range d.Of(doCluster) {
					from, to := text(before.Outputs, "version"), text(e.Inputs, "version")
					if before.ID == e.ID && minorOf(from) != minorOf(to) && from != clouds.LastPatch(minorOf(from)) {
						return fmt.Errorf("422 cluster must be upgraded to the latest patch of %s first", minorOf(from))
					}
				}
				return nil
			},
		},
		{
			Name: "upgrade-takes-time", Test: "TestDOKSVersions", Types: []string{doCluster},
			Does:   "Upgrades a cluster minutes after it was asked to; the provider does not wait.",
			Source: "terraform-provider-digitalocean: digitalocean/kubernetes/resource_kubernetes_cluster.go",
			After:  func(e *offline.Event) bool { return e.Operation == offline.Update },
		},
	}
}

// minorOf is "1.36" of "1.36.4-do.0".
func minorOf(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// names refuse what an account has once.
func (d *DigitalOcean) names() []Behaviour {
	return []Behaviour{
		{
			Name: "cluster-name-taken", Test: "TestDOKSSecondClone", Types: []string{doCluster},
			Does:   "Refuses a cluster with the name of another one.",
			Source: "assumed: the provider's data source finds a cluster by its name",
			Before: d.taken(doCluster, "422 a cluster with this name already exists"),
		},
		{
			Name: "one-registry", Test: "TestDOKSSecondClone", Types: []string{doRegistry},
			Does:   "Has one container registry for an account of the tiers starter and basic.",
			Source: "https://docs.digitalocean.com/products/container-registry/details/limits/",
			Before: func(e *offline.Event) error {
				if e.Operation == offline.Create && len(d.Of(doRegistry)) > 0 {
					return errors.New("412 registry limit exceeded")
				}
				return nil
			},
		},
	}
}

// taken refuses a name that exists.
func (d *DigitalOcean) taken(kind, says string) func(*offline.Event) error {
	return func(e *offline.Event) error {
		if e.Operation != offline.Create {
			return nil
		}
		if slices.ContainsFunc(d.Of(kind), func(other offline.Event) bool { return text(other.Inputs, "name") == text(e.Inputs, "name") }) {
			return errors.New(says)
		}
		return nil
	}
}
