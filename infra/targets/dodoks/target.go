// Package dodoks is the target on DigitalOcean's Kubernetes: a cluster, and the
// service on it behind Traefik and a load balancer.
//
// # Updating
//
// An update needs doctl in addition to Pulumi. DigitalOcean's kubeconfigs expire
// after seven days. The kubeconfig in the state contains no token: it gets one from
// doctl each time. So an update still works a month later. So does a destroy, which
// does not run the program and has only the state.
//
// # Destroying
//
// A destroy first deletes the objects on the cluster, including Traefik. Pulumi
// waits until Traefik's namespace is gone, which requires that DigitalOcean has
// deleted the load balancer. Then Pulumi deletes the cluster, together with load
// balancers and volumes that were made there by hand
// (destroyAllAssociatedResources). No resource uses deletedWith for the cluster,
// because nothing would then ensure that the load balancer is deleted.
//
// If the cluster is already gone or cannot be reached any more, remove its objects
// from the state:
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

func (*DOKS) Section() string { return "doks" }

func (t *DOKS) Settings() any { return &t.settings }

// Platforms returns amd64, the only architecture of DigitalOcean's nodes.
func (*DOKS) Platforms() []build.Platform { return []build.Platform{{OS: "linux", Arch: "amd64"}} }

func (t *DOKS) ExistingImage() string { return t.settings.Image }

func (t *DOKS) Check(_ context.Context, r deploy.Request) error {
	v := t.settings.violations(r.Spec)
	if _, err := exec.LookPath("doctl"); err != nil && !r.Offline {
		v.Add("this computer", "lacks doctl, which gets the token for the cluster: https://docs.digitalocean.com/reference/doctl/how-to/install/")
	}
	r.Spec = behindTraefik(r.Spec)
	return append(v, kubernetes.Check(r, t.settings.WorkloadSettings, t.Section())...).Err()
}
