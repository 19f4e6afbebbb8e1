package awsec2

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"escala/infra/deploy"
	"escala/infra/deploy/awsaccount"
	"escala/infra/deploy/awsdns"
	"escala/service"
)

// Settings is the section "aws" of the configuration.
type Settings struct {
	// Region is AWS' name of the region. Default "eu-central-1".
	Region string `config:"region"`
	// Arch is the machine's architecture as Go names it: arm64 or amd64.
	// Default arm64, which costs less for the same work.
	Arch string `config:"arch"`
	// InstanceType must have the architecture Arch. Default t4g.small (arm64) or
	// t3.small (amd64).
	InstanceType string `config:"instanceType"`
	// DiskGiB is the size of the machine's disk in GiB. Default 10.
	DiskGiB int `config:"diskGiB"`
	// AMI is the id of a Debian 12 image. Default: the newest image when a machine
	// is created. A newer image does not replace a running machine.
	AMI string `config:"ami"`
	// Generation is a number. Raise it to get a new machine from the newest image.
	// Default 1.
	Generation int `config:"generation"`
	// CPUCredits sets what a machine of the types t2, t3, t3a and t4g does above its
	// base rate: "unlimited" costs more then; "standard" slows down, also in the
	// first minutes. Default unlimited, as in AWS.
	CPUCredits string `config:"cpuCredits"`
	// Zone is the availability zone of the stack's own subnet. Changing it
	// replaces the machine. Default: the first zone that offers the instance
	// type when the subnet is created.
	Zone string `config:"zone"`
	// CIDR is the VPC's IPv4 range, from /16 to /28. Default "10.20.0.0/16".
	CIDR string `config:"cidr"`
	// SubnetID is a public subnet to use instead of creating a VPC. VPCID is
	// optional and must be that subnet's VPC.
	SubnetID string `config:"subnetId"`
	VPCID    string `config:"vpcId"`
	// DNSZone is the id or the name of the public hosted zone in Route 53 that holds
	// service.host. With it the stack makes the host's records. Default: with
	// service.dns, the longest zone name that the host ends with; otherwise none.
	DNSZone string `config:"dnsZone"`
	// Tags are added to everything that AWS can tag.
	Tags map[string]string `config:"tags"`
}

// NewSettings returns the defaults.
func NewSettings() Settings {
	return Settings{Region: "eu-central-1", Arch: "arm64", DiskGiB: 10, Generation: 1, CPUCredits: "unlimited", CIDR: "10.20.0.0/16"}
}

// instanceType returns InstanceType, or the default type of the architecture. The
// default has 2 GiB of memory, the least that suits Debian, Nginx and a few
// workers.
func (s Settings) instanceType() string {
	switch {
	case s.InstanceType != "":
		return s.InstanceType
	case s.Arch == "amd64":
		return "t3.small"
	default:
		return "t4g.small"
	}
}

// burstable reports whether the machine's type earns CPU credits.
func (s Settings) burstable() bool {
	family, _, _ := strings.Cut(s.instanceType(), ".")
	return slices.Contains([]string{"t2", "t3", "t3a", "t4g"}, family)
}

var (
	zoneName     = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9][a-g]$`)
	instanceType = regexp.MustCompile(`^[a-z][a-z0-9-]*\.[a-z0-9-]+$`)
	amiID        = regexp.MustCompile(`^ami-([0-9a-f]{8}|[0-9a-f]{17})$`)
)

// violations returns the problems that can be found without calling AWS.
func (s Settings) violations() service.Violations {
	var v service.Violations
	awsaccount.CheckRegion(&v, "aws.region", s.Region)
	if !slices.Contains([]string{"arm64", "amd64"}, s.Arch) {
		v.Add("aws.arch", "%q is neither \"arm64\" nor \"amd64\"", s.Arch)
	}
	if s.InstanceType != "" && !instanceType.MatchString(s.InstanceType) {
		v.Add("aws.instanceType", "%q is not an instance type; for example \"t4g.small\"", s.InstanceType)
	}
	if s.DiskGiB < 8 || s.DiskGiB > 16384 {
		v.Add("aws.diskGiB", "%d is not from 8 (Debian's image) to 16384", s.DiskGiB)
	}
	if s.AMI != "" && !amiID.MatchString(s.AMI) {
		v.Add("aws.ami", "%q is not the id of an image (ami-…)", s.AMI)
	}
	if s.Generation < 1 {
		v.Add("aws.generation", "%d is below 1", s.Generation)
	}
	if !slices.Contains([]string{"unlimited", "standard"}, s.CPUCredits) {
		v.Add("aws.cpuCredits", "%q must be \"unlimited\" or \"standard\"", s.CPUCredits)
	} else if s.CPUCredits == "standard" && !s.burstable() {
		v.Add("aws.cpuCredits", "is set, but %q has no CPU credits", s.instanceType())
	}
	deploy.CIDRRule{Widest: 16, Narrowest: 28, Public: true, Example: "10.20.0.0/16"}.Check(&v, "aws.cidr", s.CIDR)
	s.checkZone(&v)
	if s.SubnetID != "" {
		awsaccount.CheckSubnet(&v, "aws.subnetId", s.SubnetID)
	}
	if s.VPCID != "" {
		awsaccount.CheckVPC(&v, "aws.vpcId", s.VPCID)
	}
	if s.VPCID != "" && s.SubnetID == "" {
		v.Add("aws.subnetId", "is not set, but aws.vpcId is: say which of its public subnets to use")
	}
	deploy.CheckTags(&v, "aws.tags", s.Tags, "aws:")
	return v
}

// checkZone checks that the zone's subnet, one of eight /24, is inside the VPC.
func (s Settings) checkZone(v *service.Violations) {
	if s.Zone == "" {
		return
	}
	if !zoneName.MatchString(s.Zone) || s.Zone[:len(s.Zone)-1] != s.Region {
		v.Add("aws.zone", "%q is not an availability zone of %s; for example %q", s.Zone, s.Region, s.Region+"a")
	}
	if s.SubnetID != "" {
		v.Add("aws.zone", "is set, but aws.subnetId has a zone already")
	}
	if prefix, err := netip.ParsePrefix(s.CIDR); err == nil && prefix.Bits() > 24-zoneBits {
		v.Add("aws.zone", "needs a VPC of /%d or larger, but aws.cidr is %q", 24-zoneBits, s.CIDR)
	}
}

// makesRecords reports whether the stack makes the records of its names.
func (s Settings) makesRecords(spec service.Spec) bool { return spec.MakesRecords(s.DNSZone) }

// zones returns the choice of zones for the service's names.
func (s Settings) zones(spec service.Spec) awsdns.Choice {
	choice := awsdns.Choice{Key: "aws.dnsZone", Zone: s.DNSZone}
	if s.makesRecords(spec) {
		choice.Names = spec.HostNames()
	}
	return choice
}
