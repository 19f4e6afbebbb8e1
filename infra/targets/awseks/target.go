// Package awseks is the target on Amazon's Kubernetes: an EKS cluster in Auto
// Mode (Amazon runs nodes, storage and load balancers), and the service on it
// behind an Application Load Balancer.
//
// # Destroying it
//
// A destroy first removes what runs on the cluster. The Ingress is deleted
// while the cluster and its role still exist, and Pulumi waits for it: EKS
// deletes the load balancer, its target groups and its security group before it
// releases the Ingress. Then the cluster is deleted, with its nodes and their
// network interfaces, and last the network, which is empty by then. No resource
// is deleted "with" the cluster (deletedWith): that would leave the load
// balancer behind, and with it a network that cannot be deleted.
//
// A destroy does not run this program, so it gives no access. A principal that
// is refused ("Unauthorized") must get access first: docs/aws-eks.md has the
// commands. PULUMI_K8S_DELETE_UNREACHABLE is only for a cluster that is gone:
// it leaves behind what runs on the cluster, including the load balancer and
// the network.
package awseks

import (
	"context"
	"os/exec"

	"escala/infra/build"
	"escala/infra/deploy"
	"escala/infra/targets/kubernetes"
)

// EKS is the target aws-eks.
type EKS struct {
	settings Settings
}

// New returns the target with its defaults.
func New() *EKS { return &EKS{settings: NewSettings()} }

var _ deploy.Cluster = (*EKS)(nil)

// Name returns "aws-eks".
func (*EKS) Name() string { return "aws-eks" }

// Section returns "eks".
func (*EKS) Section() string { return "eks" }

// Settings returns a pointer to the target's Settings.
func (t *EKS) Settings() any { return &t.settings }

// Platforms returns the platforms that nodes may have: Auto Mode's
// general-purpose nodes are amd64, a user's own node pools may be arm64.
func (*EKS) Platforms() []build.Platform {
	return []build.Platform{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"}}
}

// ExistingImage returns the settings' image, or "".
func (t *EKS) ExistingImage() string { return t.settings.Image }

// Check reports what is wrong with the settings and with this computer.
func (t *EKS) Check(_ context.Context, r deploy.Request) error {
	v := t.settings.violations(r.Spec)
	r.CheckRegion(&v, t.Section(), t.settings.Region)
	checkImport(&v, r)
	if _, err := exec.LookPath("aws"); err != nil && !r.Offline {
		v.Add("this computer", "lacks the AWS CLI, which gets the token for the cluster: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html")
	}
	r.Spec = behindALB(r.Spec, t.settings)
	return append(v, kubernetes.Check(r, t.settings.WorkloadSettings, t.Section())...).Err()
}
