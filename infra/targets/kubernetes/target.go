// Package kubernetes runs the service on a cluster. It contains the workload of
// all cluster targets (NewWorkload), and the target "kubernetes" for any
// cluster that a kubeconfig reaches.
package kubernetes

import (
	"context"

	"escala/infra/build"
	"escala/infra/deploy"
	"escala/infra/targets/kubernetes/rollout"
	"escala/service"
)

// section is the key of the target's settings.
const section = "kubernetes"

// Kubernetes is the target "kubernetes".
type Kubernetes struct {
	settings  Settings
	clusterID func(ctx context.Context, kubeconfig string) (string, error)
	// hasCertManager returns nil if the cluster has cert-manager and an issuer.
	hasCertManager func(ctx context.Context, kubeconfig, issuer string) error
}

// New returns the target with its defaults.
func New() *Kubernetes {
	return &Kubernetes{settings: NewSettings(), clusterID: rollout.ClusterID, hasCertManager: rollout.CertManager}
}

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
	if r.Spec.DNS {
		v.Add("service.dns", "is on, but the cluster's cloud is not known here; the update says which record to make")
	}
	return v.Err()
}

// certManager reports whether the cluster's cert-manager provides the certificate.
func (t *Kubernetes) certManager(spec service.Spec) bool {
	return spec.Host != "" && (t.settings.Issuer != "" || spec.TLS.Mode == service.TLSACME)
}

// checkCertManager checks, before anything is registered, that the cluster has the
// cert-manager that the certificate needs.
func (t *Kubernetes) checkCertManager(ctx context.Context, c cluster, r deploy.Request) error {
	if r.Offline || !t.certManager(r.Spec) {
		return nil
	}
	var v service.Violations
	if err := t.hasCertManager(ctx, c.kubeconfig, t.settings.Issuer); err != nil {
		key := "service.tls.mode"
		if t.settings.Issuer != "" {
			key = section + ".issuer"
		}
		v.Add(key, "%s", err)
	}
	return v.Err()
}
