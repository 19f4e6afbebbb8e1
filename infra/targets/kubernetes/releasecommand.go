package kubernetes

import (
	"context"
	"fmt"

	batchv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/batch/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/targets/kubernetes/rollout"
	"escala/service"
)

// noEviction has the annotations which make node autoscalers leave a pod's node
// alone until the pod has ended. They are for Karpenter, which EKS Auto Mode runs,
// and for Kubernetes' own, which DOKS runs:
// https://karpenter.sh/docs/concepts/disruption/#pod-level-controls and
// https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md.
var noEviction = pulumi.StringMap{
	"karpenter.sh/do-not-disrupt":                    pulumi.String("true"),
	"cluster-autoscaler.kubernetes.io/safe-to-evict": pulumi.String("false"),
}

// neverSchedule is the schedule of the suspended CronJob, which starts no runs.
const neverSchedule = "0 0 1 1 *"

// releaseCommand registers a suspended CronJob. From it an update makes the Job
// that runs the release command, as `kubectl create job --from` does. The pods and
// processes that are registered later get the image once that Job has succeeded.
//
// The Job itself is not a Pulumi resource. It must stay as the record that the
// command has run, even if a rollback, or a failed or killed update, leaves the
// state without it.
func (p *parts) releaseCommand() error {
	if !p.spec.ReleaseCommand.Set() {
		return nil
	}
	t := p.releaseTask()
	pod := p.taskPod(t, p.image, service.Seconds(p.spec.Lifecycle.Stop))
	pod.RestartPolicy = pulumi.String("Never")
	// This time starts when a node gets the pod, so it does not include the time in
	// which the cluster finds or makes a node. The pod and its log stay.
	pod.ActiveDeadlineSeconds = pulumi.Int(service.Seconds(p.spec.ReleaseCommand.Timeout))
	labels := p.labels(componentRelease)
	labels[rollout.CommandLabel] = pulumi.String(p.spec.ReleaseCommand.Digest())
	cronjob, err := batchv1.NewCronJob(p.ctx, p.logical(t.name+"-cronjob"), &batchv1.CronJobArgs{
		Metadata: p.meta(TaskName(p.spec, t.name), componentRelease, nil),
		Spec: &batchv1.CronJobSpecArgs{
			Suspend:           pulumi.Bool(true),
			Schedule:          pulumi.String(neverSchedule),
			ConcurrencyPolicy: pulumi.String("Forbid"),
			JobTemplate: &batchv1.JobTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: labels},
				Spec: &batchv1.JobSpecArgs{
					// Only the next update repeats a run that fails.
					BackoffLimit:          pulumi.Int(0),
					ActiveDeadlineSeconds: pulumi.Int(service.Seconds(p.args.Request.GateTimeout)),
					Template: &corev1.PodTemplateSpecArgs{
						Metadata: &metav1.ObjectMetaArgs{Labels: labels, Annotations: noEviction},
						Spec:     pod,
					},
				},
			},
		},
	}, p.after()...)
	if err != nil {
		return fmt.Errorf("registering the release command: %w", err)
	}
	p.object(cronjob)
	p.prepare()
	return nil
}

// prepare makes the image of the objects that are registered later wait for the
// release command. A preview reports that the command would run, and runs nothing.
func (p *parts) prepare() {
	r := p.args.Request
	switch {
	case r.Command == "" || r.Prepared || r.Offline:
		return
	case p.ctx.DryRun():
		_ = p.ctx.Log.Info(fmt.Sprintf("the update runs the release command %s before the release's first pod, unless it has succeeded for this release already",
			r.Spec.ReleaseCommand), &pulumi.LogArgs{Resource: p.workload})
		return
	}
	kubeconfig := p.args.Kubeconfig
	if kubeconfig == nil {
		kubeconfig = pulumi.String("")
	}
	waits := []any{kubeconfig, p.args.Image}
	for _, object := range p.registered {
		waits = append(waits, object.ID())
	}
	prepared := pulumi.All(waits...).ApplyTWithContext(p.ctx.Context(), func(ctx context.Context, v []any) (string, error) {
		command := p.command()
		command.Kubeconfig, command.Image = v[0].(string), v[1].(string)
		err := command.Run(ctx)
		if err != nil && r.Failed != nil {
			r.Failed(ctx, err)
		}
		return command.Image, err
	}).(pulumi.StringOutput)
	// Pulumi treats the image as secret because the cluster's login is one of its
	// inputs.
	p.image = pulumi.Unsecret(prepared).(pulumi.StringOutput)
}

// command returns the parameters of the release command's run, except those that
// only the update knows.
func (p *parts) command() rollout.ReleaseCommand {
	c := rollout.ReleaseCommand{
		Namespace: p.namespace(),
		Service:   p.spec.Name,
		CronJob:   TaskName(p.spec, p.releaseTask().name),
		Command:   p.args.Request.Command,
		Limit:     p.spec.ReleaseCommand.Timeout,
		MemoryMiB: p.spec.Resources.MemoryMiB,
		Timeout:   p.args.Request.GateTimeout,
		Stop:      p.spec.Lifecycle.Stop,
		Report:    p.report,
	}
	if p.spec.Redis.Mode == service.RedisLocal {
		c.Needs = []string{p.redisName()}
	}
	return c
}
