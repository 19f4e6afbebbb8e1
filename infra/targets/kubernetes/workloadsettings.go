package kubernetes

import (
	"cmp"

	"escala/infra/targets/kubernetes/rollout"
	"escala/service"
)

// WorkloadSettings are the settings of the workload, which all cluster targets
// share. Embed it in the target's Settings without a tag; its keys are then
// keys of the target's section.
type WorkloadSettings struct {
	// Namespace is the name of the namespace that is made for the service and
	// deleted with it. Default: the service's name.
	Namespace string `config:"namespace"`
	// Image is the reference, by digest, of an existing image
	// ("ghcr.io/you/api@sha256:…"). Nothing is built then. Default none.
	Image string `config:"image"`
	// ImagePullSecret is the name of a secret of type
	// kubernetes.io/dockerconfigjson in the namespace. Create it yourself, after
	// the first update: that update makes the namespace, and fails without the
	// secret. Default none.
	ImagePullSecret string `config:"imagePullSecret"`
	// TLSSecret is the name of a secret of type kubernetes.io/tls in the namespace,
	// with the certificate of service.host. Default none: HTTP.
	TLSSecret string `config:"tlsSecret"`
	// Issuer is the name of a ClusterIssuer of the cluster's cert-manager, which
	// provides the certificate of service.host. Default: with service.tls.mode acme,
	// an Issuer that the stack makes; otherwise none.
	Issuer string `config:"issuer"`
	// IngressAnnotations are added to the Ingress, for example
	// cert-manager.io/cluster-issuer or
	// nginx.ingress.kubernetes.io/proxy-body-size. Default none.
	IngressAnnotations map[string]string `config:"ingressAnnotations"`
	// Maintenance lets `make maintenance` answer with a page. Pods read the page
	// from a ConfigMap, which exists only then. Default false: pods have no volume
	// for it.
	Maintenance bool `config:"maintenance"`
	// URL is the public address if it is neither service.host nor the Ingress' own
	// address: "http://localhost:8080" for kind, or a CDN in front of the load
	// balancer. Default none.
	URL string `config:"url"`
	// RestrictEgress makes the network policy block the clouds' metadata services
	// and, with Cilium, the nodes' own addresses. Default true.
	RestrictEgress bool `config:"restrictEgress"`
	// GateAddress is the address that an update checks last: "public" for the
	// address that clients use; "pods" for the service through the cluster's API,
	// if this computer does not reach the public address; or "none". Default
	// "public".
	GateAddress string `config:"gateAddress"`
	// GateCA is the path of a PEM file with certificate authorities, relative to
	// the clone if it is not absolute. The gate trusts them for the public address,
	// in addition to those of this computer. Default none.
	GateCA string `config:"gateCA"`
	// RedisImage is the image of the Valkey or Redis that is run with redis.mode
	// local. Default: DefaultRedisImage.
	RedisImage string `config:"redisImage"`
	// RedisMemoryMiB is the limit of the data in Redis, in MiB. Default 64.
	RedisMemoryMiB int `config:"redisMemoryMiB"`
}

// DefaultRedisImage is Valkey 8.1.10, for amd64 and arm64.
const DefaultRedisImage = "docker.io/valkey/valkey:8.1.10-alpine@sha256:d2e18f3410b6f616de1417f570fa55261af2898b9c5b2cfb6781ce2373ea43d1"

// NewWorkloadSettings returns the defaults.
func NewWorkloadSettings() WorkloadSettings {
	return WorkloadSettings{
		RestrictEgress: true, GateAddress: string(rollout.ProbePublic),
		RedisImage: DefaultRedisImage, RedisMemoryMiB: 64,
	}
}

func (s WorkloadSettings) namespace(spec service.Spec) string { return cmp.Or(s.Namespace, spec.Name) }
