package kubernetes

import (
	"fmt"
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

// bakeMargin is the time after a bake in which no pod of the release before is
// removed. The gate's last count and the removal of the release fit into it.
const bakeMargin = 5 * time.Second

// minReady returns the seconds that a new pod must stay ready before Kubernetes
// removes one of the release before. A bake is a part of it, since both releases
// serve meanwhile.
func (p *parts) minReady() int {
	steady := p.spec.Lifecycle.Steady
	if bake := p.args.Request.Bake; bake.On() {
		return service.Seconds(bake.Time + max(steady, bakeMargin))
	}
	return service.Seconds(steady)
}

// surge returns how many pods a rollout may add. With a bake it adds all at once, if
// the cluster has room for them: each further wave would last for a bake of its own.
func (p *parts) surge() string {
	if p.args.Request.Bake.On() {
		return "100%"
	}
	return "25%"
}

// deployment registers the pods. A new pod serves before an old one is removed, so
// a release that never becomes ready leaves the previous one running.
//
// The autoscaler decides the number of pods. Without "replicas" the Deployment
// starts with one pod, and the autoscaler raises the number to its minimum within
// its period of 15 s. Later updates do not change the number.
func (p *parts) deployment(environment corev1.EnvFromSourceArray) error {
	spec := &appsv1.DeploymentSpecArgs{
		Selector: p.choose(componentService),
		Strategy: &appsv1.DeploymentStrategyArgs{
			Type: pulumi.String("RollingUpdate"),
			RollingUpdate: &appsv1.RollingUpdateDeploymentArgs{
				MaxUnavailable: pulumi.Int(0),
				MaxSurge:       pulumi.String(p.surge()),
			},
		},
		MinReadySeconds:         pulumi.Int(p.minReady()),
		ProgressDeadlineSeconds: pulumi.Int(service.Seconds(p.args.Request.GateTimeout) + p.minReady()),
		RevisionHistoryLimit:    pulumi.Int(service.KeptReleases),
		Template: &corev1.PodTemplateSpecArgs{
			Metadata: &metav1.ObjectMetaArgs{Labels: p.labels(componentService)},
			Spec:     p.maintenance(p.pod(environment)),
		},
	}
	options := p.after()
	if n := p.spec.Scale.Fixed(); n > 0 {
		spec.Replicas = pulumi.Int(n)
	} else {
		// If the number was fixed before, the update must give the field up without
		// clearing it. Clearing it would leave one pod until the autoscaler acts.
		options = append(options, pulumi.IgnoreChanges([]string{"spec.replicas"}))
	}
	deployment, err := appsv1.NewDeployment(p.ctx, p.logical("deployment"), &appsv1.DeploymentArgs{
		Metadata: p.meta(p.spec.Name, componentService, notAwaited()),
		Spec:     spec,
	}, options...)
	if err != nil {
		return fmt.Errorf("registering the deployment: %w", err)
	}
	p.object(deployment)
	return nil
}
