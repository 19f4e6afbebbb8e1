// Package dodoks is the target on DigitalOcean's Kubernetes: a cluster, and the
// service on it behind Traefik and a load balancer.
//
// # Whoever updates the stack
//
// needs doctl beside Pulumi. DigitalOcean's kubeconfigs end after seven days; the
// one that is kept here has no token at all, but asks doctl for one each time.
// So an update works a month later as on the first day, and so does a destroy,
// which does not run the program and has nothing but what it finds in the state.
//
// # Destroying it
//
// A destroy takes away first what runs on the cluster, and Traefik with it:
// Pulumi waits until Traefik's namespace is gone, which it only is once
// DigitalOcean has deleted the load balancer. Then the cluster goes, and with it
// whatever load balancers and volumes were made on it by hand
// (destroyAllAssociatedResources). No resource is deleted "with" the cluster
// (deletedWith): that would leave the load balancer to chance.
//
// Where the cluster is gone already, or cannot be reached any more, what was on
// it only has to be forgotten:
//
//	PULUMI_K8S_DELETE_UNREACHABLE=true pulumi refresh -s do-doks
//	pulumi destroy -s do-doks
package dodoks

import (
	"context"
	"os/exec"

	"escala/infra/build"
	"escala/infra/deploy"
	"escala/infra/targets/kubernetes"
)

// DOKS is the target do-doks.
type DOKS struct {
	settings Settings
}

// New returns the target with its defaults.
func New() *DOKS { return &DOKS{settings: NewSettings()} }

func (*DOKS) Name() string { return "do-doks" }

// Section implements target.Target.
func (*DOKS) Section() string { return "doks" }

// Settings implements target.Target.
func (t *DOKS) Settings() any { return &t.settings }

// Platforms implements target.Cluster: DigitalOcean has no other nodes.
func (*DOKS) Platforms() []build.Platform { return []build.Platform{{OS: "linux", Arch: "amd64"}} }

// ExistingImage implements target.Cluster.
func (t *DOKS) ExistingImage() string { return t.settings.Image }

// Check implements target.Target.
func (t *DOKS) Check(_ context.Context, r deploy.Request) error {
	v := t.settings.violations(r.Spec)
	if _, err := exec.LookPath("doctl"); err != nil && !r.Offline {
		v.Add("this computer", "lacks doctl, which gets the token for the cluster: https://docs.digitalocean.com/reference/doctl/how-to/install/")
	}
	r.Spec = behindTraefik(r.Spec)
	return append(v, kubernetes.Check(r, t.settings.WorkloadSettings, t.Section())...).Err()
}
