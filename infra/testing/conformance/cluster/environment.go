package cluster

import (
	"context"
	"fmt"
	"os"
	"strings"

	"escala/infra/testing/conformance"
	"escala/service"
)

// These environment variables select the cluster.
const (
	// EnvKubeconfig is the path of a single kubeconfig.
	EnvKubeconfig = "KUBECONFIG"
	// EnvContext, EnvRegistry and the others set the fields of Options with the
	// same names.
	EnvContext       = "CONFORMANCE_CONTEXT"
	EnvRegistry      = "CONFORMANCE_REGISTRY"
	EnvIngressClass  = "CONFORMANCE_INGRESS_CLASS"
	EnvURL           = "CONFORMANCE_URL"
	EnvRedisImage    = "CONFORMANCE_REDIS_IMAGE"
	EnvArchitectures = "CONFORMANCE_ARCHITECTURES" // separated by commas
	EnvNamespace     = "CONFORMANCE_NAMESPACE"
)

// FromEnvironment returns the system that the environment variables describe,
// for the clone at root. Stop removes its folder.
func FromEnvironment(_ context.Context, root string) (conformance.System, error) {
	var v service.Violations
	for _, required := range []string{EnvKubeconfig, EnvRegistry} {
		if os.Getenv(required) == "" {
			v.Add(required, "is not set; see infra/testing/conformance/cluster/doc.go")
		}
	}
	if err := v.Err(); err != nil {
		return nil, err
	}
	o := NewOptions()
	o.Source = root
	for name, value := range map[string]*string{
		EnvKubeconfig: &o.Kubeconfig, EnvContext: &o.Context, EnvRegistry: &o.Registry,
		EnvIngressClass: &o.IngressClass, EnvURL: &o.URL, EnvRedisImage: &o.RedisImage, EnvNamespace: &o.Namespace,
	} {
		if set := os.Getenv(name); set != "" {
			*value = set
		}
	}
	if set := os.Getenv(EnvArchitectures); set != "" {
		o.Architectures = strings.Split(set, ",")
	}
	var err error
	if o.Folder, err = os.MkdirTemp("", "conformance-kubernetes-"); err != nil {
		return nil, fmt.Errorf("making a folder: %w", err)
	}
	return New(o)
}
