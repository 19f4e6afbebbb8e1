package awseks

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"escala/infra/deploy"
	"escala/infra/deploy/awsaccount"
	"escala/infra/targets/kubernetes"
	"escala/service"
)

// Settings is the section "eks" of the configuration.
type Settings struct {
	kubernetes.WorkloadSettings

	// Region is AWS' name of the region. Default "eu-central-1".
	Region string `config:"region"`
	// Version is the Kubernetes minor version; Amazon chooses the patch. It can be
	// raised by one at a time and never lowered. Default: the version that the
	// cluster runs, and 1.36 for a new cluster.
	Version string `config:"version"`
	// VPCID is the id of an existing VPC. It needs at least two PublicSubnetIDs in
	// different zones for the load balancer, and as many NodeSubnetIDs for nodes.
	// Default none: the stack creates a VPC.
	VPCID           string   `config:"vpcId"`
	PublicSubnetIDs []string `config:"publicSubnetIds"`
	NodeSubnetIDs   []string `config:"nodeSubnetIds"`
	// CIDR is the IPv4 range of the VPC, also of an existing one. A new VPC's range
	// is from /16 to /20. Default "10.30.0.0/16".
	CIDR string `config:"cidr"`
	// Zones is the number of availability zones of the cluster, from 2 to 4.
	// Default 2.
	Zones int `config:"zones"`
	// NAT sets how nodes reach the internet: through "one" gateway for all zones,
	// one "per-zone", or "none". With "none", nodes have public addresses (and no
	// open port). Default one.
	NAT NAT `config:"nat"`
	// Deployer is the ARN of the IAM user or role that updates the stack.
	// Default: the caller of the update. If another principal then updates the
	// stack, the previous one loses its access.
	Deployer string `config:"deployer"`
	// Viewers are the ARNs of the IAM users and roles that run previews and drift
	// checks. They can read everything in the cluster, including Secrets. Default
	// none.
	Viewers []string `config:"viewers"`
	// Admins are the ARNs of IAM users and roles that may do everything in the
	// cluster, like the deployer. If several principals update or destroy the stack
	// in turn, all of them must be listed. Default none.
	Admins []string `config:"admins"`
	// EndpointCIDRs are the address ranges that can reach the Kubernetes API
	// from outside the VPC. The computer that updates the stack must be in one
	// of them. Default "0.0.0.0/0".
	EndpointCIDRs []string `config:"endpointCidrs"`
	// Logs are the names of the control plane logs to store: api, audit,
	// authenticator, controllerManager, scheduler. Default the first three.
	Logs []string `config:"logs"`
	// LogDays is the number of days that logs are stored: 1, 3, 5, 7, 14, 30, 60,
	// 90, 120, 150, 180 or 365. Default 7.
	LogDays int `config:"logDays"`
	// Zone is the id or the name of the public hosted zone in Route 53 that holds
	// service.host. With it the stack gets the host's certificate from ACM and makes
	// its records. Default: with service.dns or service.tls.mode acme, the longest
	// zone name that the host ends with; otherwise none.
	Zone string `config:"zone"`
	// CertificateARN is the ARN of an existing ACM certificate for service.host, in
	// the same region. With it the load balancer serves TLS and redirects HTTP.
	// Default none.
	CertificateARN string `config:"certificateArn"`
	// Tags are added to everything that AWS can tag, including the load balancer.
	Tags map[string]string `config:"tags"`
}

// NAT sets how nodes reach the internet.
type NAT string

// These are the values of NAT.
const (
	NATOne     NAT = "one"
	NATPerZone NAT = "per-zone"
	NATNone    NAT = "none"
)

// NewSettings returns the defaults.
func NewSettings() Settings {
	return Settings{
		WorkloadSettings: kubernetes.NewWorkloadSettings(),
		Region:           "eu-central-1", CIDR: "10.30.0.0/16", Zones: 2, NAT: NATOne,
		EndpointCIDRs: []string{"0.0.0.0/0"},
		Logs:          []string{"api", "audit", "authenticator"},
		LogDays:       7,
	}
}

var (
	minorVersion   = regexp.MustCompile(`^1\.[1-9][0-9]$`)
	principalARN   = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(user|role)/[^\s*]+$`)
	certificateARN = regexp.MustCompile(`^arn:aws[a-z-]*:acm:([a-z0-9-]+):[0-9]{12}:certificate/[0-9a-f-]+$`)
	logTypes       = []string{"api", "audit", "authenticator", "controllerManager", "scheduler"}
	retentionDays  = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365}
)

// maxIdle is the longest idle timeout of an ALB. maxDelay is its longest
// deregistration delay.
const (
	maxIdle  = 4000 * time.Second
	maxDelay = time.Hour
)

// violations returns the problems that can be found without calling AWS.
func (s Settings) violations(spec service.Spec) service.Violations {
	var v service.Violations
	awsaccount.CheckRegion(&v, "eks.region", s.Region)
	if s.Version != "" && !minorVersion.MatchString(s.Version) {
		v.Add("eks.version", "%q is not a minor version of Kubernetes; for example \"1.36\"", s.Version)
	}
	rule := deploy.CIDRRule{Widest: 16, Narrowest: 20, Example: "10.30.0.0/16"}
	if s.VPCID != "" {
		// AWS allows VPCs down to /28, and the owner of an existing VPC decides its
		// size.
		rule.Narrowest = 28
	}
	rule.Check(&v, "eks.cidr", s.CIDR)
	s.checkVPC(&v)
	if s.Zones < 2 || s.Zones > maxZones {
		v.Add("eks.zones", "%d is not from 2, which EKS needs, to %d", s.Zones, maxZones)
	}
	if !slices.Contains([]NAT{NATOne, NATPerZone, NATNone}, s.NAT) {
		v.Add("eks.nat", "%q must be \"one\", \"per-zone\" or \"none\"", s.NAT)
	}
	checkPrincipals(&v, "eks.admins", s.Admins)
	checkPrincipals(&v, "eks.viewers", s.Viewers)
	if s.Deployer != "" {
		checkPrincipals(&v, "eks.deployer", []string{s.Deployer})
	}
	if len(s.EndpointCIDRs) == 0 {
		v.Add("eks.endpointCidrs", "is empty: nobody could update what runs on the cluster")
	}
	for _, cidr := range s.EndpointCIDRs {
		if prefix, err := netip.ParsePrefix(cidr); err != nil || prefix != prefix.Masked() {
			v.Add("eks.endpointCidrs", "%q is not a range of addresses; for example \"203.0.113.0/24\"", cidr)
		}
	}
	for _, log := range s.Logs {
		if !slices.Contains(logTypes, log) {
			v.Add("eks.logs", "%q is not one of %s", log, strings.Join(logTypes, ", "))
		}
	}
	if !slices.Contains(retentionDays, s.LogDays) {
		v.Add("eks.logDays", "%d is not a number of days that CloudWatch accepts: %v", s.LogDays, retentionDays)
	}
	s.checkHTTPS(&v, spec)
	v = append(v, s.zones(spec).Violations()...)
	if idle := spec.WebSocket.ProxyIdle; idle > maxIdle || idle < time.Second {
		v.Add("service.webSocket.proxyIdle", "%s is not from 1s to %s, which is what a load balancer takes", idle, maxIdle)
	}
	if delay := behindALB(spec, s).Lifecycle; delay.Announce+delay.Drain > maxDelay {
		v.Add("service.lifecycle.drain", "%s and the %s before it are more than %s, which is the longest that a load balancer waits for a pod", delay.Drain, delay.Announce, maxDelay)
	}
	deploy.CheckTags(&v, "eks.tags", s.Tags, "aws:", "eks:", "kubernetes.io/")
	return v
}

func checkPrincipals(v *service.Violations, path string, arns []string) {
	for _, arn := range arns {
		if !principalARN.MatchString(arn) {
			v.Add(path, "%q is not the ARN of an IAM user or role (of a role itself, not of a session of it)", arn)
		}
	}
}
