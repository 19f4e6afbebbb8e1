// Package awseks is the target on Amazon's Kubernetes: an EKS cluster in Auto Mode
// (Amazon runs nodes, storage and load balancers), and the service on it behind
// an Application Load Balancer.
//
// # Destroying it
//
// A destroy takes away first what runs on the cluster. The Ingress goes while
// the cluster and its role are still there, and Pulumi waits for it: EKS deletes
// the load balancer, its target groups and its security group, and lets the
// Ingress go only then. The cluster follows, with its nodes and their network
// interfaces, and last the network, in which nothing is left by then. No
// resource is deleted "with" the cluster (deletedWith): that would leave the
// load balancer behind, and with it a network that cannot be deleted.
//
// Where the cluster is gone already, or cannot be reached any more, what was on
// it only has to be forgotten:
//
//	PULUMI_K8S_DELETE_UNREACHABLE=true pulumi refresh -s aws-eks
//	pulumi destroy -s aws-eks
//
// and what the cluster left behind has its tag:
//
//	aws resourcegroupstaggingapi get-resources --tag-filters Key=eks:eks-cluster-name,Values=<cluster>
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

func (*EKS) Name() string { return "aws-eks" }

// Section implements target.Target.
func (*EKS) Section() string { return "eks" }

// Settings implements target.Target.
func (t *EKS) Settings() any { return &t.settings }

// Platforms implements target.Cluster: Auto Mode's own general-purpose nodes are
// amd64, node pools of one's own may be arm64.
func (*EKS) Platforms() []build.Platform {
	return []build.Platform{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"}}
}

// ExistingImage implements target.Cluster.
func (t *EKS) ExistingImage() string { return t.settings.Image }

// Check implements target.Target.
func (t *EKS) Check(_ context.Context, r deploy.Request) error {
	v := t.settings.violations(r.Spec)
	r.CheckRegion(&v, t.Section(), t.settings.Region)
	if _, err := exec.LookPath("aws"); err != nil && !r.Offline {
		v.Add("this computer", "lacks the AWS CLI, which gets the token for the cluster: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html")
	}
	r.Spec = behindALB(r.Spec, t.settings)
	return append(v, kubernetes.Check(r, t.settings.WorkloadSettings, t.Section())...).Err()
}
