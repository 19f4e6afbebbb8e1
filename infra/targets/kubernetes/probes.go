package kubernetes

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

// startMargin is added to the service's own start timeout, in seconds. The
// service then fails first and logs its reason.
const startMargin = 5

// startup returns the probe that delays the other probes until the pod has started.
func (p *parts) startup() *corev1.ProbeArgs {
	return &corev1.ProbeArgs{
		HttpGet:          p.get(p.spec.HealthPath),
		PeriodSeconds:    pulumi.Int(1),
		TimeoutSeconds:   pulumi.Int(2),
		FailureThreshold: pulumi.Int(service.Seconds(p.spec.Lifecycle.Start) + startMargin),
	}
}

// readiness returns the probe that takes a pod out of load balancing and puts it
// back. A terminating pod is taken out without this probe.
func (p *parts) readiness() *corev1.ProbeArgs {
	return &corev1.ProbeArgs{
		HttpGet:          p.get(p.spec.ReadyPath),
		PeriodSeconds:    pulumi.Int(2),
		TimeoutSeconds:   pulumi.Int(2),
		FailureThreshold: pulumi.Int(2),
	}
}

// liveness returns the probe that restarts a pod that has not answered for a
// minute. It is slow on purpose, because restarting a busy pod only loses its
// requests.
func (p *parts) liveness() *corev1.ProbeArgs {
	return &corev1.ProbeArgs{
		HttpGet:          p.get(p.spec.HealthPath),
		PeriodSeconds:    pulumi.Int(10),
		TimeoutSeconds:   pulumi.Int(5),
		FailureThreshold: pulumi.Int(6),
	}
}

func (p *parts) get(path string) *corev1.HTTPGetActionArgs {
	return &corev1.HTTPGetActionArgs{Path: pulumi.String(path), Port: pulumi.String(portName)}
}
