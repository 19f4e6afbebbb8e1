package kubernetes

import (
	"fmt"
	"maps"
	"slices"

	batchv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/batch/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
	"escala/service/cron"
)

// keptRuns is the number of runs of each outcome whose Jobs and logs stay.
const keptRuns = 3

// concurrency maps an overlap to Kubernetes' concurrency policy.
var concurrency = map[service.Overlap]string{
	service.OverlapSkip:    "Forbid",
	service.OverlapReplace: "Replace",
}

// schedules registers a CronJob for each schedule. It gets the release once the
// gate has passed. Until then, and if the gate does not pass, runs use the previous
// release. A change of a CronJob neither starts nor ends a run.
func (p *parts) schedules(w *Workload) error {
	image := p.args.Image.ToStringOutput()
	if !p.ctx.DryRun() {
		image = pulumi.All(p.args.Image, w.Release).ApplyT(func(v []any) string { return v[0].(string) }).(pulumi.StringOutput)
	}
	for _, name := range slices.Sorted(maps.Keys(p.spec.Schedule)) {
		one, t := p.spec.Schedule[name], p.scheduleTask(name)
		times, err := cron.Parse(one.Cron)
		if err != nil {
			return fmt.Errorf("schedule %s: %w", name, err)
		}
		pod := p.taskPod(t, image, service.Seconds(p.spec.Lifecycle.Stop))
		pod.RestartPolicy = pulumi.String("Never")
		if _, err := batchv1.NewCronJob(p.ctx, p.logical(name+"-cronjob"), &batchv1.CronJobArgs{
			Metadata: p.meta(TaskName(p.spec, name), t.component, nil),
			Spec: &batchv1.CronJobSpecArgs{
				Schedule:                   pulumi.String(times.Numbered()),
				TimeZone:                   pulumi.String("Etc/UTC"),
				ConcurrencyPolicy:          pulumi.String(concurrency[one.Overlap]),
				StartingDeadlineSeconds:    pulumi.Int(service.Seconds(service.MaxLate)),
				SuccessfulJobsHistoryLimit: pulumi.Int(keptRuns),
				FailedJobsHistoryLimit:     pulumi.Int(keptRuns),
				JobTemplate: &batchv1.JobTemplateSpecArgs{
					Metadata: &metav1.ObjectMetaArgs{Labels: p.labels(t.component)},
					Spec: &batchv1.JobSpecArgs{
						// A run that fails is not repeated: it may have done half of its work.
						BackoffLimit:          pulumi.Int(0),
						ActiveDeadlineSeconds: pulumi.Int(service.Seconds(one.Timeout)),
						Template: &corev1.PodTemplateSpecArgs{
							Metadata: &metav1.ObjectMetaArgs{Labels: p.labels(t.component)},
							Spec:     pod,
						},
					},
				},
			},
		}, p.after()...); err != nil {
			return fmt.Errorf("registering the schedule %s: %w", name, err)
		}
	}
	return nil
}
