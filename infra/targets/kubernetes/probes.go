package kubernetes

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

// startMargin is by how many seconds a pod may take longer to start than the
// service itself allows: the service then says by itself why it gave up.
const startMargin = 5

// startup lets a pod start in peace: the other probes begin after it.
func (p *parts) startup() *corev1.ProbeArgs {
	return &corev1.ProbeArgs{
		HttpGet:          p.get(p.spec.HealthPath),
		PeriodSeconds:    pulumi.Int(1),
		TimeoutSeconds:   pulumi.Int(2),
		FailureThreshold: pulumi.Int(service.Seconds(p.spec.Lifecycle.Start) + startMargin),
	}
}

// readiness takes a pod out of the load balancing, and back. A pod that ends is
// taken out without it.
func (p *parts) readiness() *corev1.ProbeArgs {
	return &corev1.ProbeArgs{
		HttpGet:          p.get(p.spec.ReadyPath),
		PeriodSeconds:    pulumi.Int(2),
		TimeoutSeconds:   pulumi.Int(2),
		FailureThreshold: pulumi.Int(2),
	}
}

// liveness starts a pod anew that has not answered for a minute. It is patient:
// a pod that is merely busy would only lose its requests.
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
