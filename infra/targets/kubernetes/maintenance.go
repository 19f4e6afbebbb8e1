package kubernetes

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/operate/pods"
	"escala/service"
)

// maintenanceFolder is the folder with the maintenance page in a pod.
const maintenanceFolder = "/run/escala-maintenance"

// maintenance adds the maintenance page to a pod. The page's ConfigMap does not
// belong to the stack, so no update ends a maintenance and no refresh reports the
// ConfigMap. The ConfigMap exists only during a maintenance.
func (p *parts) maintenance(spec *corev1.PodSpecArgs) *corev1.PodSpecArgs {
	if !p.args.Settings.Maintenance {
		return spec
	}
	const volume = "maintenance"
	container := spec.Containers.(corev1.ContainerArray)[0].(*corev1.ContainerArgs)
	container.VolumeMounts = append(container.VolumeMounts.(corev1.VolumeMountArray), &corev1.VolumeMountArgs{
		Name: pulumi.String(volume), MountPath: pulumi.String(maintenanceFolder), ReadOnly: pulumi.Bool(true),
	})
	spec.Volumes = append(spec.Volumes.(corev1.VolumeArray), &corev1.VolumeArgs{
		Name: pulumi.String(volume),
		ConfigMap: &corev1.ConfigMapVolumeSourceArgs{
			Name: pulumi.String(pods.MaintenanceName(p.spec.Name)), Optional: pulumi.Bool(true),
		},
	})
	return spec
}

// checkMaintenance reports a program that cannot answer with the maintenance page.
func (s WorkloadSettings) checkMaintenance(v *service.Violations, spec service.Spec, section string) {
	if s.Maintenance && spec.Runtime == service.RuntimeNone {
		v.Add(section+".maintenance", "is on, but on a cluster escala's runtime answers with the page, and service.runtime is none; let the program answer 503 by a setting of its own")
	}
}
