package kubernetes

import (
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	netv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/build/image"
	"escala/service"
)

// task is a command of the service that runs in pods of its own, without a port: a
// process, a run of a schedule, or the release command.
type task struct {
	name      string
	component string
	command   []string
	memoryMiB int
}

func (p *parts) processTask(name string) task {
	one := p.spec.Processes[name]
	return task{name, "process-" + name, one.Command, p.spec.Memory(one.MemoryMiB)}
}

func (p *parts) scheduleTask(name string) task {
	one := p.spec.Schedule[name]
	return task{name, "schedule-" + name, one.Command, p.spec.Memory(one.MemoryMiB)}
}

func (p *parts) releaseTask() task {
	return task{"release", componentRelease, p.spec.ReleaseCommand.Command, p.spec.Resources.MemoryMiB}
}

// TaskName returns the name of a process's Deployment, or of a schedule's CronJob.
func TaskName(spec service.Spec, name string) string { return spec.Name + "-" + name }

// components returns the component labels of all pods except the service's and
// Redis'.
func (p *parts) components() []string {
	var all []string
	for _, name := range p.spec.TaskNames() {
		if _, ok := p.spec.Processes[name]; ok {
			all = append(all, p.processTask(name).component)
			continue
		}
		all = append(all, p.scheduleTask(name).component)
	}
	if p.spec.ReleaseCommand.Set() {
		all = append(all, componentRelease)
	}
	return all
}

// tasksPolicy denies all connections to the pods of processes, schedules and the
// release command. They may connect to the same peers as the service's pods.
func (p *parts) tasksPolicy() error {
	if len(p.components()) == 0 {
		return nil
	}
	policy, err := netv1.NewNetworkPolicy(p.ctx, p.logical("tasks-networkpolicy"), &netv1.NetworkPolicyArgs{
		Metadata: p.meta(p.spec.Name+"-tasks", componentService, nil),
		Spec: &netv1.NetworkPolicySpecArgs{
			PodSelector: &metav1.LabelSelectorArgs{
				MatchLabels: pulumi.StringMap{"app.kubernetes.io/name": pulumi.String(p.spec.Name)},
				MatchExpressions: metav1.LabelSelectorRequirementArray{&metav1.LabelSelectorRequirementArgs{
					Key: pulumi.String("app.kubernetes.io/component"), Operator: pulumi.String("In"), Values: pulumi.ToStringArray(p.components()),
				}},
			},
			PolicyTypes: pulumi.ToStringArray([]string{"Ingress", "Egress"}),
			Egress:      netv1.NetworkPolicyEgressRuleArray{p.egress()},
		},
	}, p.options...)
	if err != nil {
		return fmt.Errorf("registering the network policy of the processes: %w", err)
	}
	p.object(policy)
	return nil
}

// taskPod returns a pod with one unprivileged process that has no port. image is
// the reference of its image.
func (p *parts) taskPod(t task, image pulumi.StringInput, stop int) *corev1.PodSpecArgs {
	container := &corev1.ContainerArgs{
		Name:            pulumi.String(t.name),
		Image:           image.ToStringOutput().ToStringPtrOutput(),
		ImagePullPolicy: pulumi.String("IfNotPresent"),
		Command:         pulumi.ToStringArray(p.taskCommand(t.command)),
		EnvFrom:         p.variables,
		Resources:       p.resources(t.memoryMiB),
		SecurityContext: restricted(),
		VolumeMounts: corev1.VolumeMountArray{&corev1.VolumeMountArgs{
			Name: pulumi.String("tmp"), MountPath: pulumi.String("/tmp"),
		}},
		TerminationMessagePolicy: pulumi.String("FallbackToLogsOnError"),
	}
	if t.memoryMiB != p.spec.Resources.MemoryMiB {
		container.Env = corev1.EnvVarArray{&corev1.EnvVarArgs{
			Name: pulumi.String(service.EnvGoMemory), Value: pulumi.String(service.GoMemory(t.memoryMiB)),
		}}
	}
	spec := &corev1.PodSpecArgs{
		ServiceAccountName:            pulumi.String(p.spec.Name),
		AutomountServiceAccountToken:  pulumi.Bool(false),
		EnableServiceLinks:            pulumi.Bool(false),
		NodeSelector:                  p.nodes(),
		TerminationGracePeriodSeconds: pulumi.Int(stop),
		SecurityContext:               p.user(),
		Containers:                    corev1.ContainerArray{container},
		Volumes:                       corev1.VolumeArray{temporary("tmp", temporaryMiB)},
	}
	if logins := p.logins(); len(logins) > 0 {
		spec.ImagePullSecrets = logins
	}
	return spec
}

// taskCommand returns the command in the image. An image that was not built here
// may have the program at another path.
func (p *parts) taskCommand(command []string) []string {
	if p.args.Settings.Image == "" && p.spec.IsOwnBinary(command) {
		return append([]string{image.BinaryPath}, command[1:]...)
	}
	return command
}
