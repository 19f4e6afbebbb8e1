// Package kubeapply stands in for pulumi-kubernetes in tests and conformance
// runs. Under the real Pulumi engine it applies the program's objects to a
// cluster, server-side, reads them back, waits for the same conditions as
// pulumi-kubernetes, and deletes them. It lets the program run where the plugin
// is not available. Users' stacks run with pulumi-kubernetes; only tests and
// conformance may import this package.
//
// It is stricter where that finds mistakes: it refuses unknown fields (field
// validation "Strict"), and it refuses to create an object that already exists.
// It does not support Helm charts, patches and the annotation
// pulumi.com/waitFor.
package kubeapply

import (
	"errors"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Package is the name of the Pulumi package that the provider implements.
const Package = "kubernetes"

// version is the version of pulumi-kubernetes that the provider stands in for.
const version = "4.30.0"

// manager is the field manager's name. Fields that it applied earlier and no
// longer applies are removed.
const manager = "pulumi-kubernetes"

// Provider applies objects to the cluster that its configuration names.
type Provider struct {
	pulumirpc.UnimplementedResourceProviderServer

	mu      sync.Mutex
	cluster *cluster
}

// New returns a provider without a configuration; the engine configures it.
func New() *Provider { return &Provider{} }

// connected returns the cluster of the provider's configuration.
func (p *Provider) connected() (*cluster, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cluster == nil {
		return nil, errors.New("the provider is not configured yet")
	}
	return p.cluster, nil
}
