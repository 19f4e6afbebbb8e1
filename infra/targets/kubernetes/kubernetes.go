// Package kubernetes runs the service on a cluster. It contains the workload of
// all cluster targets (NewWorkload), and the target "kubernetes" for any
// cluster that a kubeconfig reaches.
package kubernetes

import (
	"context"

	"escala/infra/build"
	"escala/infra/deploy"
	"escala/infra/targets/kubernetes/rollout"
)

// section is the key of the target's settings.
const section = "kubernetes"

// Kubernetes is the target.
type Kubernetes struct {
	settings  Settings
	clusterID func(ctx context.Context, kubeconfig string) (string, error)
}

// New returns the target with its defaults.
func New() *Kubernetes { return &Kubernetes{settings: NewSettings(), clusterID: rollout.ClusterID} }

func (*Kubernetes) Name() string { return "kubernetes" }

func (*Kubernetes) Section() string { return section }

func (t *Kubernetes) Settings() any { return &t.settings }

func (t *Kubernetes) Platforms() []build.Platform {
	var all []build.Platform
	for _, arch := range t.settings.Architectures {
		all = append(all, build.Platform{OS: "linux", Arch: arch})
	}
	return all
}

func (t *Kubernetes) ExistingImage() string { return t.settings.Image }

func (t *Kubernetes) Check(_ context.Context, r deploy.Request) error {
	v := append(Check(r, t.settings.WorkloadSettings, section), t.settings.violations()...)
	if _, err := t.settings.cluster(r); err != nil && !r.Offline {
		v.Add(section+".context", "%s", err)
	}
	return v.Err()
}
