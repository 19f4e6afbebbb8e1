package kubernetes

import (
	"fmt"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

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
				MaxSurge:       pulumi.String("25%"),
			},
		},
		MinReadySeconds:         pulumi.Int(service.Seconds(p.spec.Lifecycle.Steady)),
		ProgressDeadlineSeconds: pulumi.Int(service.Seconds(p.args.Request.GateTimeout) + service.Seconds(p.spec.Lifecycle.Steady)),
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
