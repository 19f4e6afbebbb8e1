// Package kubeapply stands in for pulumi-kubernetes in tests and in conformance
// runs: under the real Pulumi engine it really applies what the program asks for
// to a cluster, server-side, reads it back, waits for what pulumi-kubernetes
// waits for, and deletes it. It lets the program run where that plugin is not to
// be had. Stacks of users run with pulumi-kubernetes; nothing but tests and
// conformance may import this package.
//
// It is stricter where that finds mistakes: unknown fields are refused (field
// validation "Strict"), and so is creating what is there already. It knows no
// Helm charts, no patches and no annotation pulumi.com/waitFor.
package kubeapply

import (
	"errors"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Package is the Pulumi package that the provider provides.
const Package = "kubernetes"

// version is the one of pulumi-kubernetes that the provider stands in for.
const version = "4.30.0"

// manager is the field manager's name: what it applied earlier and does not any
// more goes away.
const manager = "pulumi-kubernetes"

// Provider applies objects to the cluster that its configuration names.
type Provider struct {
	pulumirpc.UnimplementedResourceProviderServer

	mu      sync.Mutex
	cluster *cluster
}

// New returns a provider that is not configured yet: the engine does that.
func New() *Provider { return &Provider{} }

// connected is the cluster that the provider was configured with.
func (p *Provider) connected() (*cluster, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cluster == nil {
		return nil, errors.New("the provider is not configured yet")
	}
	return p.cluster, nil
}
