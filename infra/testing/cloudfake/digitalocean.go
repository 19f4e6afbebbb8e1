package cloudfake

import (
	"slices"
	"strconv"
	"sync"

	"escala/infra/engine/offline"
	"escala/infra/engine/offline/clouds"
)

// DigitalOcean is an account at DigitalOcean.
type DigitalOcean struct {
	*Account

	mu sync.Mutex
	// providers is the number of providers that were made for the account.
	providers int
	// defaultVPCs are the ids of the regions' default VPCs.
	defaultVPCs map[string]string
	// buckets has all names that a bucket ever had.
	buckets map[string]bool
	// overwritten has the keys of objects that were changed outside of Pulumi.
	overwritten map[string]bool
	// lingering are the VPCs that a cluster's workers have not yet left.
	lingering map[string]bool
	// domains are the account's domains.
	domains map[string]bool
	// limit is the number of Droplets that the account may have; 0 for any.
	limit int
	// bucketDelay is the number of requests until a new bucket is known.
	bucketDelay int
	// unassigned reports that the Reserved IP was taken off its Droplet.
	unassigned bool
	// emails are the account's verified addresses.
	emails map[string]bool
}

// These are the resource types of behaviours.
const (
	doDroplet   = "digitalocean:index/droplet:Droplet"
	doVPC       = "digitalocean:index/vpc:Vpc"
	doTag       = "digitalocean:index/tag:Tag"
	doFirewall  = "digitalocean:index/firewall:Firewall"
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

// minDeleteRetry is the time in seconds for which the provider must retry the
// deletion of a VPC, until no member is left in it.
const minDeleteRetry = 600

// NewDigitalOcean returns a new account. No region has a default VPC yet.
func NewDigitalOcean() *DigitalOcean {
	d := &DigitalOcean{
		Account:     newAccount(),
		defaultVPCs: map[string]string{}, buckets: map[string]bool{}, overwritten: map[string]bool{}, lingering: map[string]bool{},
		domains: map[string]bool{}, emails: map[string]bool{},
	}
	d.behaviours = slices.Concat(d.networks(), d.spaces(), d.clusters(), d.names(), d.dns(), d.droplets(), d.alarms())
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
		// Ids are unique in the account.
		if e.Operation == offline.Create && number > 1 && (e.Type == doDroplet || e.Type == doCluster) {
			e.ID = e.ID[:3] + strconv.Itoa(number) + e.ID[4:]
		}
		return behave(e)
	}).NumberFrom(1000 * (number - 1))
	p.Answer(doGetVPC, d.getVPC)
	p.Answer("digitalocean:index/getDomain:getDomain", d.getDomain)
	p.Answer("digitalocean:index/getRecords:getRecords", d.getRecords)
	return p
}
