package dodoks

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"escala/infra/deploy/dovpc"
	"escala/infra/targets/kubernetes"
	"escala/service"
)

// Settings is the section "doks" of the configuration.
type Settings struct {
	kubernetes.WorkloadSettings

	// Region is DigitalOcean's name of the region. Default "fra1".
	Region string `config:"region"`
	// Version is Kubernetes' minor version. It can be raised by one at a time and
	// never lowered. DigitalOcean upgrades patches by itself, in the maintenance
	// window. Default "1.36".
	Version string `config:"version"`
	// HA makes the control plane highly available, for 40 $ a month. It cannot be
	// turned off again. Default false.
	HA bool `config:"ha"`
	// Size is the nodes' size. It cannot change, because DigitalOcean would replace
	// the cluster. Default "s-2vcpu-4gb".
	Size string `config:"size"`
	// MinNodes and MaxNodes limit the number of nodes, which the cluster's
	// autoscaler chooses. Default 2 and 4.
	MinNodes int `config:"minNodes"`
	MaxNodes int `config:"maxNodes"`
	// MaintenanceDay is the day of the maintenance window, or "any".
	// MaintenanceStart is its first hour in UTC. The window lasts four hours.
	// Default "any" and "03:00".
	MaintenanceDay   string `config:"maintenanceDay"`
	MaintenanceStart string `config:"maintenanceStart"`
	// CIDR is the IPv4 range, from /16 to /24, of a VPC that is made for the
	// cluster. Default none: the region's default VPC.
	CIDR string `config:"cidr"`
	// VPC is the id of an existing VPC. Default none: the region's default VPC.
	VPC string `config:"vpc"`
	// Registry is the name of the account's existing container registry. An account
	// has one, unless it pays for more. Default none: one is made.
	Registry string `config:"registry"`
	// RegistryTier is the tier of a new registry: "starter" (500 MiB, free),
	// "basic" or "professional". Default starter.
	RegistryTier string `config:"registryTier"`
	// Certificate is the name of an existing certificate of the account, for
	// service.host. The load balancer then serves HTTPS and redirects HTTP to it.
	// Default none.
	Certificate string `config:"certificate"`
	// Domain is the account's domain that holds service.host. With it the stack
	// makes the host's records and gets a certificate that DigitalOcean manages.
	// Default: with service.dns, the longest domain that the host ends with;
	// otherwise none.
	Domain string `config:"domain"`
	// Tags are added to the cluster and its nodes.
	Tags []string `config:"tags"`
}

// NewSettings returns the defaults.
func NewSettings() Settings {
	return Settings{
		WorkloadSettings: kubernetes.NewWorkloadSettings(),
		Region:           "fra1", Version: "1.36", Size: "s-2vcpu-4gb", MinNodes: 2, MaxNodes: 4,
		MaintenanceDay: "any", MaintenanceStart: "03:00", RegistryTier: "starter",
	}
}

// vpc returns the VPC that the settings choose.
func (s Settings) vpc() dovpc.Choice {
	return dovpc.Choice{Section: "doks", Region: s.Region, ID: s.VPC, CIDR: s.CIDR, MaxBits: 24}
}

var (
	slug         = regexp.MustCompile(`^[a-z0-9]+([.-][a-z0-9]+)*$`)
	minorVersion = regexp.MustCompile(`^1\.[1-9][0-9]$`)
	fullHour     = regexp.MustCompile(`^([01][0-9]|2[0-3]):00$`)
	registryName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)
	tagName      = regexp.MustCompile(`^[A-Za-z0-9:_-]{1,255}$`)
	days         = []string{"any", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
	tiers        = []string{"starter", "basic", "professional"}
)

// maxPoolNodes catches typing errors; it is not a limit of clusters.
const maxPoolNodes = 500

// These are the limits of a load balancer's idle timeout for HTTP.
const (
	minIdle = 30 * time.Second
	maxIdle = 10 * time.Minute
)

// violations returns the problems that can be found without calling DigitalOcean.
func (s Settings) violations(spec service.Spec) service.Violations {
	var v service.Violations
	if !slug.MatchString(s.Region) {
		v.Add("doks.region", "%q is not a region; for example \"fra1\"", s.Region)
	}
	if !minorVersion.MatchString(s.Version) {
		v.Add("doks.version", "%q is not a minor version of Kubernetes; for example \"1.36\"", s.Version)
	}
	if !slug.MatchString(s.Size) {
		v.Add("doks.size", "%q is not a Droplet's size; for example \"s-2vcpu-4gb\"", s.Size)
	}
	if s.MinNodes < 1 || s.MinNodes > maxPoolNodes {
		v.Add("doks.minNodes", "%d is not from 1 to %d", s.MinNodes, maxPoolNodes)
	}
	if s.MaxNodes < s.MinNodes || s.MaxNodes > maxPoolNodes {
		v.Add("doks.maxNodes", "%d is not from doks.minNodes (%d) to %d", s.MaxNodes, s.MinNodes, maxPoolNodes)
	}
	if !slices.Contains(days, s.MaintenanceDay) {
		v.Add("doks.maintenanceDay", "%q is not one of %s", s.MaintenanceDay, strings.Join(days, ", "))
	}
	if !fullHour.MatchString(s.MaintenanceStart) {
		v.Add("doks.maintenanceStart", "%q is not a full hour such as \"03:00\"", s.MaintenanceStart)
	}
	v = append(v, s.vpc().Violations()...)
	if s.Registry != "" && !registryName.MatchString(s.Registry) {
		v.Add("doks.registry", "%q is not the name of a registry; `doctl registry get` shows it", s.Registry)
	}
	if !slices.Contains(tiers, s.RegistryTier) {
		v.Add("doks.registryTier", "%q is not one of %s", s.RegistryTier, strings.Join(tiers, ", "))
	}
	if s.Namespace == class || s.Namespace == "" && spec.Name == class {
		v.Add("doks.namespace", "%q is the namespace of the ingress controller", class)
	}
	s.checkHTTPS(&v, spec)
	v = append(v, s.domains(spec).Violations()...)
	for _, tag := range s.Tags {
		if !tagName.MatchString(tag) {
			v.Add("doks.tags", "%q is not a tag of letters, digits, colons, hyphens and underscores", tag)
		}
	}
	return v
}
