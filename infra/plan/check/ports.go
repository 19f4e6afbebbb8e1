package check

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"escala/infra/plan"
	"escala/infra/plan/values"
)

// web holds the ports that may be open to every address.
var web = map[int]bool{80: true, 443: true}

// rule is a firewall rule in a form that is common to all clouds.
type rule struct {
	where    string
	protocol string
	from, to int
	// sources holds address ranges; groups holds members of the same network.
	sources, groups []string
}

// ports checks the firewall rules: which addresses may connect to which ports.
func ports(_ context.Context, s *subject) {
	for _, r := range s.byType("aws:ec2/securityGroup:SecurityGroup") {
		for _, one := range values.List(r.Raw, "ingress") {
			s.inbound(awsRule(r.Name, one))
		}
		for _, one := range values.List(r.Raw, "egress") {
			s.outbound(awsRule(r.Name, one))
		}
	}
	for _, r := range s.byType("aws:ec2/securityGroupRule:SecurityGroupRule") {
		if values.Text(r.Raw, "type") == "egress" {
			s.outbound(awsRule(r.Name, r.Raw))
		} else {
			s.inbound(awsRule(r.Name, r.Raw))
		}
	}
	for _, r := range s.byType("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule") {
		s.inbound(awsRule(r.Name, r.Raw))
	}
	for _, r := range s.byType("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule") {
		s.outbound(awsRule(r.Name, r.Raw))
	}
	for _, r := range s.byType("digitalocean:index/firewall:Firewall") {
		for _, one := range values.List(r.Raw, "inboundRules") {
			s.inbound(digitalOceanRule(r.Name, one, "source"))
		}
		for _, one := range values.List(r.Raw, "outboundRules") {
			s.outbound(digitalOceanRule(r.Name, one, "destination"))
		}
	}
	for _, r := range s.byType("digitalocean:index/droplet:Droplet") {
		if len(s.byType("digitalocean:index/firewall:Firewall")) == 0 {
			s.add(plan.Error, r.Name, "no firewall: a Droplet without one is open on all ports", "a Firewall that lets 80 and 443 in")
		}
	}
	for _, r := range s.byType("aws:eks/cluster:Cluster") {
		s.clusterEndpoint(r)
	}
	for _, f := range s.Manifests {
		s.servicePorts(f)
	}
}

func awsRule(where string, value any) rule {
	r := rule{where: where, protocol: values.Text(value, "protocol") + values.Text(value, "ipProtocol")}
	if n, ok := values.Number(value, "fromPort"); ok {
		r.from = int(n)
	}
	if n, ok := values.Number(value, "toPort"); ok {
		r.to = int(n)
	}
	for _, key := range []string{"cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6", "prefixListIds", "prefixListId"} {
		r.sources = append(r.sources, textList(value, key)...)
	}
	for _, key := range []string{"securityGroups", "sourceSecurityGroupId", "referencedSecurityGroupId"} {
		r.groups = append(r.groups, textList(value, key)...)
	}
	if values.Bool(value, "self") {
		r.groups = append(r.groups, "itself")
	}
	if r.protocol == "-1" {
		r.protocol, r.from, r.to = "all protocols", 0, 65535
	}
	return r
}

func digitalOceanRule(where string, value any, side string) rule {
	r := rule{where: where, protocol: values.Text(value, "protocol"), sources: textList(value, side+"Addresses")}
	for _, key := range []string{"Tags", "DropletIds", "LoadBalancerUids", "KubernetesIds"} {
		r.groups = append(r.groups, textList(value, side+key)...)
	}
	low, high, ranged := strings.Cut(values.Text(value, "portRange"), "-")
	if !ranged {
		high = low
	}
	var err error
	if r.from, err = strconv.Atoi(low); err != nil {
		// "all", "0" and an empty text mean every port.
		r.from, r.to = 0, 65535
		return r
	}
	if r.to, err = strconv.Atoi(high); err != nil || r.to == 0 {
		r.from, r.to = 0, 65535
	}
	return r
}

func (r rule) ports() string {
	switch {
	case r.protocol == "icmp" || r.protocol == "icmpv6":
		return r.protocol
	case r.from == r.to:
		return fmt.Sprintf("port %d/%s", r.from, r.protocol)
	case r.from <= 1 && r.to == 65535:
		return "every port (" + r.protocol + ")"
	default:
		return fmt.Sprintf("ports %d-%d/%s", r.from, r.to, r.protocol)
	}
}

func (s *subject) inbound(r rule) {
	if len(r.sources) == 0 {
		if len(r.groups) > 0 {
			s.add(plan.Notice, r.where, r.ports()+" is open to "+strings.Join(r.groups, ", "), "")
		}
		return
	}
	from := strings.Join(r.sources, ", ")
	if r.from == r.to && web[r.from] && (r.protocol == "tcp" || r.protocol == "6") {
		s.add(plan.Notice, r.where, r.ports()+" is open to "+from, "")
		s.open[r.from] = s.open[r.from] || slices.Contains(r.sources, "0.0.0.0/0")
		return
	}
	s.add(plan.Error, r.where, r.ports()+" is open to "+from, "80 and 443 alone; log in through the cloud's own console")
}

func (s *subject) outbound(r rule) {
	s.add(plan.Notice, r.where, "outbound: "+r.ports()+" to "+strings.Join(append(r.sources, r.groups...), ", "), "")
}

// clusterEndpoint checks from where the API server of an EKS cluster can be
// reached.
func (s *subject) clusterEndpoint(r plan.Resource) {
	vpc := values.At(r.Raw, "vpcConfig")
	public, set := values.At(vpc, "endpointPublicAccess").(bool)
	if set && !public {
		return
	}
	from := textList(vpc, "publicAccessCidrs")
	if len(from) == 0 {
		from = []string{"0.0.0.0/0"}
	}
	level, right := plan.Notice, ""
	for _, cidr := range from {
		if cidr == "0.0.0.0/0" || cidr == "::/0" {
			level, right = plan.Warning, "the addresses that you deploy from; IAM authenticates every caller in any case"
		}
	}
	s.add(level, r.Name, "the cluster's API is open to "+strings.Join(from, ", "), right)
}

// servicePorts finds Services that open ports by themselves, without an
// Ingress.
func (s *subject) servicePorts(f plan.File) {
	if values.Text(f.Object, "kind") != "Service" {
		return
	}
	kind := values.Text(f.Object, "spec", "type")
	if kind != "LoadBalancer" && kind != "NodePort" {
		return
	}
	for _, one := range values.List(f.Object, "spec", "ports") {
		port, _ := values.Number(one, "port")
		what := fmt.Sprintf("a Service of type %s opens port %d", kind, int(port))
		if kind == "LoadBalancer" && web[int(port)] {
			s.add(plan.Notice, f.Path, what, "")
			continue
		}
		s.add(plan.Error, f.Path, what, "ClusterIP behind an Ingress")
	}
}
