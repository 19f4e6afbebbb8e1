package kubernetes

import (
	"cmp"

	"escala/infra/targets/kubernetes/rollout"
	"escala/service"
)

// WorkloadSettings are what every cluster target's section has for the
// workload. Embed it in the target's Settings without a tag: its keys are then
// the section's own.
type WorkloadSettings struct {
	// Namespace is made for the service and goes with it. Default: the service's
	// name.
	Namespace string `config:"namespace"`
	// Image is the reference, by digest, of an image that exists
	// ("ghcr.io/you/api@sha256:…"). Nothing is built then. Default none.
	Image string `config:"image"`
	// ImagePullSecret is the name of a secret of type
	// kubernetes.io/dockerconfigjson in the namespace, which whoever has the login
	// makes there: the first update makes the namespace, and fails without it.
	// Default none.
	ImagePullSecret string `config:"imagePullSecret"`
	// TLSSecret is the name of a secret of type kubernetes.io/tls in the
	// namespace, with the certificate of service.host. Default none: HTTP.
	TLSSecret string `config:"tlsSecret"`
	// IngressAnnotations are put on the Ingress: cert-manager.io/cluster-issuer,
	// nginx.ingress.kubernetes.io/proxy-body-size. Default none.
	IngressAnnotations map[string]string `config:"ingressAnnotations"`
	// RestrictEgress has the network policy close the clouds' metadata service to
	// pods, and with Cilium the nodes' own addresses. Default true.
	RestrictEgress bool `config:"restrictEgress"`
	// GateAddress is what an update asks last whether the release serves: "public",
	// the address as a client sees it; "pods", the service through the cluster's
	// API, for an address that this computer does not reach; or "none". Default
	// "public".
	GateAddress string `config:"gateAddress"`
	// GateCA is the path of certificate authorities in PEM, relative to the clone
	// if it is not absolute, that vouch for the public address beside those of this
	// computer. Default none.
	GateCA string `config:"gateCA"`
	// RedisImage is the image of the Valkey or Redis that redis.mode local runs.
	// Default: DefaultRedisImage.
	RedisImage string `config:"redisImage"`
	// RedisMemoryMiB bounds what it keeps, in MiB. Default 64.
	RedisMemoryMiB int `config:"redisMemoryMiB"`
}

// DefaultRedisImage is Valkey 8.1.10, for amd64 and arm64.
const DefaultRedisImage = "docker.io/valkey/valkey:8.1.10-alpine@sha256:d2e18f3410b6f616de1417f570fa55261af2898b9c5b2cfb6781ce2373ea43d1"

// NewWorkloadSettings returns the defaults.
func NewWorkloadSettings() WorkloadSettings {
	return WorkloadSettings{
		RestrictEgress: true, GateAddress: string(rollout.AskPublic),
		RedisImage: DefaultRedisImage, RedisMemoryMiB: 64,
	}
}

func (s WorkloadSettings) namespace(spec service.Spec) string { return cmp.Or(s.Namespace, spec.Name) }
