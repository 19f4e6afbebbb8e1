package kubernetes

import (
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/build/image"
	"escala/service"
)

// portName is the name of the service's port in the pod.
const portName = "http"

// temporaryMiB is the limit of /tmp, the pod's only writable folder, in MiB.
const temporaryMiB = 64

// pod returns a pod with one unprivileged process.
func (p *parts) pod(environment corev1.EnvFromSourceArray) *corev1.PodSpecArgs {
	life := p.spec.Lifecycle
	spec := &corev1.PodSpecArgs{
		ServiceAccountName:           pulumi.String(p.spec.Name),
		AutomountServiceAccountToken: pulumi.Bool(false),
		// No program uses the variables that Kubernetes adds for each Service.
		EnableServiceLinks:            pulumi.Bool(false),
		NodeSelector:                  p.nodes(),
		TopologySpreadConstraints:     p.spread(),
		TerminationGracePeriodSeconds: pulumi.Int(service.Seconds(life.Stop)),
		SecurityContext:               p.user(),
		Containers: corev1.ContainerArray{&corev1.ContainerArgs{
			Name:            pulumi.String(p.spec.Name),
			Image:           p.image.ToStringOutput().ToStringPtrOutput(),
			ImagePullPolicy: pulumi.String("IfNotPresent"),
			EnvFrom:         environment,
			Ports:           p.containerPorts(),
			Resources:       p.resources(p.spec.Resources.MemoryMiB),
			Lifecycle: &corev1.LifecycleArgs{PreStop: &corev1.LifecycleHandlerArgs{
				// The pod continues to serve while load balancers learn that it ends.
				// The kubelet itself sleeps, because the image has no shell.
				Sleep: &corev1.SleepActionArgs{Seconds: pulumi.Int(p.preStop())},
			}},
			StartupProbe:    p.startup(),
			ReadinessProbe:  p.readiness(),
			LivenessProbe:   p.liveness(),
			SecurityContext: restricted(),
			VolumeMounts: corev1.VolumeMountArray{&corev1.VolumeMountArgs{
				Name: pulumi.String("tmp"), MountPath: pulumi.String("/tmp"),
			}},
			TerminationMessagePolicy: pulumi.String("FallbackToLogsOnError"),
		}},
		Volumes: corev1.VolumeArray{temporary("tmp", temporaryMiB)},
	}
	p.countsKey(spec.Containers.(corev1.ContainerArray)[0].(*corev1.ContainerArgs))
	if logins := p.logins(); len(logins) > 0 {
		spec.ImagePullSecrets = logins
	}
	return spec
}

// countsKey gives the service the key of its counts, which a bake reads. The key is
// the pod's UID: random, and known to readers of the cluster's API only.
func (p *parts) countsKey(container *corev1.ContainerArgs) {
	if p.spec.Bake.On() {
		container.Env = corev1.EnvVarArray{&corev1.EnvVarArgs{
			Name:      pulumi.String(service.EnvCountsKey),
			ValueFrom: &corev1.EnvVarSourceArgs{FieldRef: &corev1.ObjectFieldSelectorArgs{FieldPath: pulumi.String("metadata.uid")}},
		}}
	}
}

// user returns the security context of every pod that runs the release.
func (p *parts) user() *corev1.PodSecurityContextArgs {
	user := &corev1.PodSecurityContextArgs{
		RunAsNonRoot:   pulumi.Bool(true),
		SeccompProfile: &corev1.SeccompProfileArgs{Type: pulumi.String("RuntimeDefault")},
	}
	if p.args.Settings.Image == "" {
		// An image that was not built here sets its own user.
		user.RunAsUser, user.RunAsGroup = pulumi.Int(image.UserID), pulumi.Int(image.UserID)
	}
	return user
}

// logins returns references to the secrets with which nodes pull the image, or nil.
func (p *parts) logins() corev1.LocalObjectReferenceArray {
	var logins corev1.LocalObjectReferenceArray
	if name := p.args.Settings.ImagePullSecret; name != "" {
		logins = append(logins, &corev1.LocalObjectReferenceArgs{Name: pulumi.String(name)})
	}
	if p.pullSecret != nil {
		logins = append(logins, &corev1.LocalObjectReferenceArgs{Name: p.pullSecret})
	}
	return logins
}

// preStop returns the seconds between a pod's removal from load balancing and its
// SIGTERM. A program without escala's runtime may end at once on SIGTERM, so its
// requests in flight get their time before the signal.
func (p *parts) preStop() int {
	life := p.spec.Lifecycle
	if p.spec.Runtime == service.RuntimeNone {
		return service.Seconds(life.Announce + life.Drain)
	}
	return service.Seconds(life.Announce)
}

// resources limits memory to the requested amount, so that a node never has to
// choose which pod to kill. The service's garbage collector knows the limit. The
// processor is not limited by default (see service.Resources).
func (p *parts) resources(memoryMiB int) *corev1.ResourceRequirementsArgs {
	r := p.spec.Resources
	memory := pulumi.String(fmt.Sprintf("%dMi", memoryMiB))
	limits := pulumi.StringMap{"memory": memory}
	if r.CPULimitMillis > 0 {
		limits["cpu"] = pulumi.String(fmt.Sprintf("%dm", r.CPULimitMillis))
	}
	return &corev1.ResourceRequirementsArgs{
		Requests: pulumi.StringMap{"cpu": pulumi.String(fmt.Sprintf("%dm", r.CPUMillis)), "memory": memory},
		Limits:   limits,
	}
}

// nodes selects the nodes that can run the image.
func (p *parts) nodes() pulumi.StringMap {
	nodes := pulumi.StringMap{"kubernetes.io/os": pulumi.String("linux")}
	if platforms := p.args.Platforms; len(platforms) == 1 && p.args.Settings.Image == "" {
		nodes["kubernetes.io/arch"] = pulumi.String(platforms[0].Arch)
	}
	return nodes
}

// spread prefers different zones and nodes for a release's pods. It is only a
// preference, so a cluster with one node still runs all of them.
func (p *parts) spread() corev1.TopologySpreadConstraintArray {
	var all corev1.TopologySpreadConstraintArray
	keys := []string{"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
	if p.args.SpreadZonesOnly {
		keys = keys[:1]
	}
	for _, key := range keys {
		all = append(all, &corev1.TopologySpreadConstraintArgs{
			TopologyKey:       pulumi.String(key),
			MaxSkew:           pulumi.Int(1),
			WhenUnsatisfiable: pulumi.String("ScheduleAnyway"),
			LabelSelector:     p.choose(componentService),
			MatchLabelKeys:    pulumi.ToStringArray([]string{"pod-template-hash"}),
		})
	}
	return all
}

// restricted returns the security context that the pod security standard
// "restricted" requires, with a read-only root file system.
func restricted() *corev1.SecurityContextArgs {
	return &corev1.SecurityContextArgs{
		AllowPrivilegeEscalation: pulumi.Bool(false),
		ReadOnlyRootFilesystem:   pulumi.Bool(true),
		Capabilities:             &corev1.CapabilitiesArgs{Drop: pulumi.ToStringArray([]string{"ALL"})},
	}
}

func temporary(name string, mib int) *corev1.VolumeArgs {
	return &corev1.VolumeArgs{
		Name:     pulumi.String(name),
		EmptyDir: &corev1.EmptyDirVolumeSourceArgs{SizeLimit: pulumi.String(fmt.Sprintf("%dMi", mib))},
	}
}
