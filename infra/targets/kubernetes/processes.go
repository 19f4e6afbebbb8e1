package kubernetes

import (
	"fmt"
	"maps"
	"slices"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

// processes registers a Deployment without a Service for each process. A pod of the
// previous release stays until a pod of the new release has run for
// Lifecycle.Steady, so a new process that ends at once leaves the old one running.
func (p *parts) processes() error {
	for _, name := range slices.Sorted(maps.Keys(p.spec.Processes)) {
		one, t := p.spec.Processes[name], p.processTask(name)
		named := TaskName(p.spec, name)
		if err := p.budget(named, name+"-pdb", t.component); err != nil {
			return err
		}
		deployment, err := appsv1.NewDeployment(p.ctx, p.logical(name+"-deployment"), &appsv1.DeploymentArgs{
			Metadata: p.meta(named, t.component, notAwaited()),
			Spec: &appsv1.DeploymentSpecArgs{
				Replicas: pulumi.Int(one.Count),
				Selector: p.choose(t.component),
				Strategy: &appsv1.DeploymentStrategyArgs{
					Type: pulumi.String("RollingUpdate"),
					RollingUpdate: &appsv1.RollingUpdateDeploymentArgs{
						MaxUnavailable: pulumi.Int(0),
						MaxSurge:       pulumi.Int(1),
					},
				},
				MinReadySeconds:         pulumi.Int(service.Seconds(p.spec.Lifecycle.Steady)),
				ProgressDeadlineSeconds: pulumi.Int(service.Seconds(p.args.Request.GateTimeout) + service.Seconds(p.spec.Lifecycle.Steady)),
				RevisionHistoryLimit:    pulumi.Int(service.KeptReleases),
				Template: &corev1.PodTemplateSpecArgs{
					Metadata: &metav1.ObjectMetaArgs{Labels: p.labels(t.component)},
					Spec:     p.taskPod(t, p.image, service.Seconds(one.Stop)),
				},
			},
		}, p.after()...)
		if err != nil {
			return fmt.Errorf("registering the deployment of process %s: %w", name, err)
		}
		p.object(deployment)
	}
	return nil
}
