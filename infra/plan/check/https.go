package check

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"escala/infra/plan"
	"escala/infra/plan/values"
)

// listensTLS matches a listener of HTTPS in an nginx.conf.
var listensTLS = regexp.MustCompile(`(?m)^\s*listen\s+443\s+ssl\b`)

// https checks that the servers of HTTPS can be reached and have a certificate. It
// needs the result of ports.
func https(_ context.Context, s *subject) {
	s.eachFile(atPath(nginxConf), func(m plan.Machine, f plan.File) {
		if !listensTLS.MatchString(f.Raw) || !s.behindFirewall() {
			return
		}
		if !s.open[443] {
			s.add(plan.Error, m.Name, "Nginx serves HTTPS, but no rule opens 443", "a rule that lets 443 in")
		}
		if !s.open[80] {
			s.add(plan.Error, m.Name, "the certificate's authority asks on port 80, which no rule opens", "a rule that lets 80 in")
		}
	})
	for _, f := range s.Manifests {
		if values.Text(f.Object, "kind") != "Ingress" {
			continue
		}
		s.ingressNames(f)
		listens := strings.Contains(values.Text(f.Object, "metadata", "annotations", "alb.ingress.kubernetes.io/listen-ports"), "HTTPS")
		if listens && !s.hasListenerCertificate() {
			s.add(plan.Error, f.Path, "the load balancer listens for HTTPS without a certificate", "certificateARNs in the IngressClassParams")
		}
		if !listens && !s.controllerEndsTLS() {
			s.uncertifiedHosts(f)
		}
	}
}

// behindFirewall reports whether the stack has the firewall of its machines: a
// machine on this computer has none.
func (s *subject) behindFirewall() bool {
	return len(s.byType("aws:ec2/securityGroup:SecurityGroup"))+len(s.byType("digitalocean:index/firewall:Firewall")) > 0
}

// ingressNames checks that a certificate of an Ingress covers each of its hosts.
func (s *subject) ingressNames(f plan.File) {
	certified := map[string]bool{}
	for _, one := range values.List(f.Object, "spec", "tls") {
		for _, name := range textList(one, "hosts") {
			certified[name] = true
		}
	}
	for _, rule := range values.List(f.Object, "spec", "rules") {
		if host := values.Text(rule, "host"); len(certified) > 0 && !certified[host] {
			s.add(plan.Error, f.Path, fmt.Sprintf("host %q has no certificate, though others have", host), "every host below tls.hosts")
		}
	}
}

// uncertifiedHosts adds a notice about the hosts of an Ingress without any certificate.
func (s *subject) uncertifiedHosts(f plan.File) {
	if len(values.List(f.Object, "spec", "tls")) > 0 {
		return
	}
	for _, rule := range values.List(f.Object, "spec", "rules") {
		if host := values.Text(rule, "host"); host != "" {
			s.add(plan.Notice, f.Path, fmt.Sprintf("host %q serves plain HTTP: the stack has no certificate for it; docs/https.md has the ways to one", host), "")
		}
	}
}

// controllerEndsTLS reports whether the stack's own ingress controller has a
// certificate for the hosts: Traefik by ACME, or the load balancer before it.
func (s *subject) controllerEndsTLS() bool {
	for _, r := range s.byType("kubernetes:helm.sh/v3:Release") {
		if values.At(r.Raw, "values", "certificatesResolvers") != nil {
			return true
		}
		annotations, _ := values.At(r.Raw, "values", "service", "annotations").(map[string]any)
		for key := range annotations {
			if strings.HasPrefix(key, "service.beta.kubernetes.io/do-loadbalancer-certificate-") {
				return true
			}
		}
	}
	return false
}

// hasListenerCertificate reports whether the parameters of a load balancer name
// a certificate.
func (s *subject) hasListenerCertificate() bool {
	for _, f := range s.Manifests {
		if values.Text(f.Object, "kind") == "IngressClassParams" && len(values.List(f.Object, "spec", "certificateARNs")) > 0 {
			return true
		}
	}
	return false
}
