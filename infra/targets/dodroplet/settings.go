package dodroplet

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"escala/infra/deploy/dodns"
	"escala/infra/deploy/dovpc"
	"escala/service"
)

// Settings is the section "digitalocean" of the configuration.
type Settings struct {
	// Region is DigitalOcean's name of the region. Default "fra1".
	Region string `config:"region"`
	// Size is the Droplet's size. Default "s-1vcpu-1gb".
	Size string `config:"size"`
	// Image is the slug of a Debian 12 image. Default "debian-12-x64".
	Image string `config:"image"`
	// Generation is a number. Raise it to get a new machine from the newest image.
	// Default 1.
	Generation int `config:"generation"`
	// Backups makes DigitalOcean back up the Droplet, which costs a fifth more.
	// Default false: everything on the machine can be made again.
	Backups bool `config:"backups"`
	// CIDR is the IPv4 range, from /16 to /28, of a VPC that is made for the
	// Droplet. Default none: the region's default VPC.
	CIDR string `config:"cidr"`
	// VPC is the id of an existing VPC. Default none: the region's default VPC.
	VPC string `config:"vpc"`
	// SpacesRegion is the region of the release bucket. Default: Region, or the
	// nearest region with Spaces.
	SpacesRegion string `config:"spacesRegion"`
	// Monitoring makes DigitalOcean's agent send memory and disk measurements for
	// its graphs and alerts. The metadata service is then closed only to the
	// accounts of the service and Nginx, instead of to all accounts but root.
	// Default false.
	Monitoring bool `config:"monitoring"`
	// SSHKeys are the names of the account's SSH keys that can log in as root.
	// Default none: DigitalOcean e-mails a password for the recovery console.
	SSHKeys []string `config:"sshKeys"`
	// SSHFrom are the address ranges that may connect to SSH. Default none: port 22
	// is closed.
	SSHFrom []string `config:"sshFrom"`
	// Domain is the account's domain that holds service.host. With it the stack
	// makes the host's records. Default: with service.dns, the longest domain that
	// the host ends with; otherwise none.
	Domain string `config:"domain"`
	// Tags are added to the Droplet.
	Tags []string `config:"tags"`
}

// NewSettings returns the defaults.
func NewSettings() Settings {
	return Settings{Region: "fra1", Size: "s-1vcpu-1gb", Image: "debian-12-x64", Generation: 1}
}

// spacesRegions are the regions with Spaces, from the provider's own list.
var spacesRegions = []string{"ams3", "atl1", "blr1", "fra1", "lon1", "nyc3", "sfo2", "sfo3", "sgp1", "syd1", "tor1"}

// nearSpaces maps regions without Spaces to the nearest region with Spaces.
var nearSpaces = map[string]string{"ams2": "ams3", "nyc1": "nyc3", "nyc2": "nyc3", "sfo1": "sfo2"}

// vpc returns the VPC that the settings choose.
func (s Settings) vpc() dovpc.Choice {
	return dovpc.Choice{Section: "digitalocean", Region: s.Region, ID: s.VPC, CIDR: s.CIDR, MaxBits: 28}
}

// spacesRegion returns the region of the release bucket.
func (s Settings) spacesRegion() string {
	return cmp.Or(s.SpacesRegion, nearSpaces[s.Region], s.Region)
}

var (
	slug    = regexp.MustCompile(`^[a-z0-9]+([.-][a-z0-9]+)*$`)
	tagName = regexp.MustCompile(`^[A-Za-z0-9:_-]{1,255}$`)
)

// violations returns the problems that can be found without calling DigitalOcean.
func (s Settings) violations() service.Violations {
	var v service.Violations
	if !slug.MatchString(s.Region) {
		v.Add("digitalocean.region", "%q is not a region; for example \"fra1\"", s.Region)
	}
	if !slug.MatchString(s.Size) {
		v.Add("digitalocean.size", "%q is not a Droplet's size; for example \"s-1vcpu-1gb\"", s.Size)
	}
	if !slug.MatchString(s.Image) {
		v.Add("digitalocean.image", "%q is not the slug of an image; for example \"debian-12-x64\"", s.Image)
	}
	if s.Generation < 1 {
		v.Add("digitalocean.generation", "%d is below 1", s.Generation)
	}
	v = append(v, s.vpc().Violations()...)
	if slug.MatchString(s.Region) && !slices.Contains(spacesRegions, s.spacesRegion()) {
		v.Add("digitalocean.spacesRegion", "%q has no Spaces, where releases are kept; it must be one of %s", s.spacesRegion(), strings.Join(spacesRegions, ", "))
	}
	if len(s.SSHFrom) > 0 && len(s.SSHKeys) == 0 {
		v.Add("digitalocean.sshKeys", "is empty, but digitalocean.sshFrom opens the port: name the keys that may log in")
	}
	for i, from := range s.SSHFrom {
		prefix, err := netip.ParsePrefix(from)
		switch path := fmt.Sprintf("digitalocean.sshFrom[%d]", i); {
		case err != nil:
			v.Add(path, "%q is not an address range; for example \"203.0.113.7/32\"", from)
		case prefix.Bits() == 0:
			v.Add(path, "%q is the whole internet; name the addresses that may log in", from)
		case prefix.Masked() != prefix:
			v.Add(path, "%q has bits set after its /%d; did you mean %q?", from, prefix.Bits(), prefix.Masked())
		}
	}
	for _, tag := range s.Tags {
		if !tagName.MatchString(tag) {
			v.Add("digitalocean.tags", "%q is not a tag of letters, digits, colons, hyphens and underscores", tag)
		}
	}
	return v
}

// makesRecords reports whether the stack makes the records of its names.
func (s Settings) makesRecords(spec service.Spec) bool { return spec.MakesRecords(s.Domain) }

// domains returns the choice of domains for the service's names.
func (s Settings) domains(spec service.Spec) dodns.Choice {
	return dodns.NewChoice("digitalocean.domain", s.Domain, spec)
}
