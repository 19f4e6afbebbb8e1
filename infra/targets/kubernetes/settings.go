package kubernetes

import (
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"escala/service"
)

// Settings is the section "kubernetes" of the configuration.
type Settings struct {
	WorkloadSettings
	// Kubeconfig is the path of a kubeconfig, relative to the clone if it is not
	// absolute. Default: $KUBECONFIG, or ~/.kube/config.
	Kubeconfig string `config:"kubeconfig"`
	// Context is the name of the kubeconfig's context. Default: its current one.
	Context string `config:"context"`
	// Cluster is the id of the cluster: the UID of its namespace kube-system.
	// Default: the cluster of the last update. The default prevents another kubectl
	// context from moving the service and deleting it on the previous cluster. Set
	// it to move the service.
	Cluster string `config:"cluster"`
	// IngressClass is the class of the cluster's ingress controller: traefik on
	// k3s. Default: the cluster's default class.
	IngressClass string `config:"ingressClass"`
	// Registry is the repository ("ghcr.io/you/api") that the image is pushed to,
	// with the login that `docker login` saved on this computer. Either Registry or
	// Image must be set.
	Registry string `config:"registry"`
	// Architectures are the nodes' architectures. Default amd64 and arm64, both in
	// one image.
	Architectures []string `config:"architectures"`
}

// NewSettings returns the defaults.
func NewSettings() Settings {
	return Settings{WorkloadSettings: NewWorkloadSettings(), Architectures: []string{"amd64", "arm64"}}
}

var uid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// violations returns the problems that can be found without asking the cluster.
func (s Settings) violations() service.Violations {
	var v service.Violations
	if s.IngressClass != "" && !dnsSubdomain.MatchString(s.IngressClass) {
		v.Add(section+".ingressClass", "%q is not the name of an ingress class; for example \"traefik\"", s.IngressClass)
	}
	if s.Cluster != "" && !uid.MatchString(s.Cluster) {
		v.Add(section+".cluster", "%q is not the id of a cluster; `kubectl get namespace kube-system -o jsonpath='{.metadata.uid}'` prints it", s.Cluster)
	}
	switch {
	case s.Registry == "" && s.Image == "":
		v.Add(section+".registry", "is not set: nodes fetch the image from a registry; name a repository that you may push to (\"ghcr.io/you/api\"), or give kubernetes.image, one that exists")
	case s.Registry != "" && s.Image != "":
		v.Add(section+".registry", "is set together with kubernetes.image, of which nothing is pushed; take one out")
	case s.Registry != "":
		if _, err := name.NewRepository(s.Registry); err != nil || !strings.Contains(s.Registry, "/") {
			v.Add(section+".registry", "%q is not a repository; for example \"ghcr.io/you/api\"", s.Registry)
		}
	}
	if len(s.Architectures) == 0 {
		v.Add(section+".architectures", "is empty; it takes amd64 and arm64")
	}
	for i, arch := range s.Architectures {
		if (arch != "amd64" && arch != "arm64") || slices.Contains(s.Architectures[:i], arch) {
			v.Add(section+".architectures", "%q is neither amd64 nor arm64, or there twice", arch)
		}
	}
	return v
}
