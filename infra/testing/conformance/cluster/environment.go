package cluster

import (
	"context"
	"fmt"
	"os"
	"strings"

	"escala/infra/testing/conformance"
	"escala/service"
)

// The environment variables that say which cluster is tried.
const (
	// EnvKubeconfig is the path of one kubeconfig.
	EnvKubeconfig = "KUBECONFIG"
	// EnvContext, EnvRegistry and the others are Options' fields of these names.
	EnvContext       = "CONFORMANCE_CONTEXT"
	EnvRegistry      = "CONFORMANCE_REGISTRY"
	EnvIngressClass  = "CONFORMANCE_INGRESS_CLASS"
	EnvURL           = "CONFORMANCE_URL"
	EnvRedisImage    = "CONFORMANCE_REDIS_IMAGE"
	EnvArchitectures = "CONFORMANCE_ARCHITECTURES" // separated by commas
	EnvNamespace     = "CONFORMANCE_NAMESPACE"
)

// FromEnvironment is the system that the environment asks for, for the clone at
// root. Its folder is removed when it is stopped.
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
