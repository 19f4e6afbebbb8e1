package kubernetes

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"escala/infra/deploy"
	"escala/infra/targets/kubernetes/rollout"
	"escala/service"
)

var (
	dnsLabel     = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	annotation   = regexp.MustCompile(`^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)
	dnsSubdomain = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
)

// systemNamespaces are a cluster's own namespaces. They cannot be deleted together
// with a service.
var systemNamespaces = []string{"default", "kube-system", "kube-public", "kube-node-lease"}

// Check reports the violations that are specific to clusters;
// service.Spec.Validate reports the others. section is the key of the target's
// settings and begins the paths of violations. Every cluster target calls Check
// in its own Check.
func Check(r deploy.Request, s WorkloadSettings, section string) service.Violations {
	v := checkSpec(r.Spec).Under("service")
	v = append(v, s.violations(r.Spec).Under(section)...)
	if _, err := s.readGateCA(r); err != nil && !r.Offline {
		v.Add(section+".gateCA", "%q %s", s.GateCA, err)
	}
	r.CheckAuthorityCA(&v)
	s.checkHTTPS(&v, r.Spec, section)
	s.checkMaintenance(&v, r.Spec, section)
	r.CheckOwnCertificate(&v)
	return v
}

// checkSpec reports settings of the service that a pod cannot fulfil.
func checkSpec(spec service.Spec) service.Violations {
	var v service.Violations
	// The same description can run on a machine and on a cluster if it does not set
	// workers. If it sets them, it expects something that a pod cannot do. That is
	// reported and not ignored.
	workers, defaults := spec.Workers, service.NewWorkers()
	if spec.Runtime == service.RuntimeNone {
		defaults.Mode = service.WorkersPorts // the default without a runtime
	}
	if workers.Count != defaults.Count {
		v.Add("workers.count", "is set to %d, but a pod runs one process: how many pods there are is scale.min and scale.max; take workers out", workers.Count)
	}
	workers.Count = defaults.Count
	if workers != defaults {
		v.Add("workers", "is set for the workers of a machine, but a pod runs one process, and the cluster shares the traffic among pods; take workers out")
	}
	checkMetrics(&v, spec)
	if spec.Bake.On() && spec.Runtime == service.RuntimeNone {
		v.Add("release.bake", "is set, but in a cluster escala's runtime counts the answers of each pod, and service.runtime is none; take it out, and let new pods prove themselves with lifecycle.steady, which watches their ends alone")
	}
	life := spec.Lifecycle
	if life.Announce < time.Second {
		v.Add("lifecycle.announce", "%s is below 1s: load balancers learn that a pod is leaving while it announces; requests would still reach it after it stops accepting them", life.Announce)
	}
	if need := ceil(life.Announce) + life.Drain + service.StopMargin; need > ceil(life.Stop) && life.Announce+life.Drain+service.StopMargin <= life.Stop {
		v.Add("lifecycle.stop", "%s is too short in a cluster, which counts in whole seconds: announce (%s) + drain (%s) + %s is %s; the pod would be killed while it drains",
			life.Stop, ceil(life.Announce), life.Drain, service.StopMargin, need)
	}
	return v
}

func ceil(d time.Duration) time.Duration { return time.Duration(service.Seconds(d)) * time.Second }

func (s WorkloadSettings) violations(spec service.Spec) service.Violations {
	var v service.Violations
	if s.Namespace != "" && !dnsLabel.MatchString(s.Namespace) {
		v.Add("namespace", "%q is not a name of 1 to 63 lower-case letters, digits and hyphens", s.Namespace)
	}
	if namespace := s.namespace(spec); slices.Contains(systemNamespaces, namespace) || strings.HasPrefix(namespace, "kube-") {
		v.Add("namespace", "%q is one of Kubernetes' own namespaces; choose another one: the stack creates and deletes the service's namespace", namespace)
	}
	if s.Image != "" {
		if _, err := name.NewDigest(s.Image); err != nil {
			v.Add("image", "%q does not name an image by digest (host/path@sha256:…): a tag may mean another image tomorrow, on another pod; `docker buildx imagetools inspect` and `crane digest` print it", s.Image)
		}
	}
	if s.Issuer != "" && !dnsSubdomain.MatchString(s.Issuer) {
		v.Add("issuer", "%q is not the name of a ClusterIssuer", s.Issuer)
	}
	checkURL(&v, "url", s.URL)
	for key, secret := range map[string]string{"imagePullSecret": s.ImagePullSecret, "tlsSecret": s.TLSSecret} {
		if secret != "" && !dnsSubdomain.MatchString(secret) {
			v.Add(key, "%q is not the name of a secret", secret)
		}
	}
	for key := range s.IngressAnnotations {
		if !annotation.MatchString(key) {
			v.Add("ingressAnnotations", "%q is not the name of an annotation; for example \"cert-manager.io/cluster-issuer\"", key)
		}
	}
	asks := []rollout.Probe{rollout.ProbePublic, rollout.ProbePods, rollout.ProbeNone}
	if !slices.Contains(asks, rollout.Probe(s.GateAddress)) {
		v.Add("gateAddress", "%q must be one of public, pods, none", s.GateAddress)
	}
	if s.TLSSecret != "" && spec.Host == "" {
		v.Add("tlsSecret", "is set, but service.host is not: a certificate is for a name")
	}
	if spec.Redis.Mode == service.RedisLocal {
		if _, err := name.ParseReference(s.RedisImage); err != nil {
			v.Add("redisImage", "%q is not an image (host/path:tag or host/path@sha256:…)", s.RedisImage)
		}
		if s.RedisMemoryMiB < 16 {
			v.Add("redisMemoryMiB", "%d is below 16", s.RedisMemoryMiB)
		}
	}
	slices.SortFunc(v, func(a, b service.Violation) int { return strings.Compare(a.Path, b.Path) })
	return v
}

// checkHTTPS reports settings about HTTPS that a cluster cannot fulfil, and values
// that are set both in the description and in the settings.
func (s WorkloadSettings) checkHTTPS(v *service.Violations, spec service.Spec, section string) {
	t := spec.TLS
	if t.Mode == service.TLSIP {
		v.Add("service.tls.mode", "is %q, which is for a machine's own address; a cluster's load balancer needs a host name", t.Mode)
	}
	if t.HSTS > 0 {
		v.Add("service.tls.hsts", "is set, but in a cluster the service itself writes that header")
	}
	if t.RedirectNames {
		v.Add("service.tls.redirectNames", "is on, but in a cluster every name serves; let the service itself redirect")
	}
	for _, one := range []struct{ key, value string }{{"tlsSecret", s.TLSSecret}, {"issuer", s.Issuer}} {
		if one.value == "" {
			continue
		}
		if taken := t.Mode == service.TLSCertificate || t.Mode == service.TLSOff || t.Mode == service.TLSACME && one.key == "tlsSecret"; taken {
			v.Add("service.tls.mode", "is %q, but %s.%s says where the certificate comes from; take one out", t.Mode, section, one.key)
		}
	}
	if s.Issuer == "" {
		return
	}
	if s.TLSSecret != "" {
		v.Add(section+".issuer", "is set together with %s.tlsSecret; take one out", section)
	}
	if spec.Host == "" {
		v.Add("service.host", "is not set, but %s.issuer is: a certificate is for a name", section)
	}
	for _, one := range []struct{ key, value string }{{"email", t.Email}, {"authority", t.Authority}} {
		if one.value != "" {
			v.Add("service.tls."+one.key, "is set, but the ClusterIssuer %s.issuer has its own", section)
		}
	}
}

// checkURL checks an address that replaces the Ingress' own. An empty address is
// valid. path is the path of the setting.
func checkURL(v *service.Violations, path, address string) {
	if address == "" {
		return
	}
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		v.Add(path, "%q is not http:// or https:// and a host; for example \"http://localhost:8080\"", address)
	}
}
