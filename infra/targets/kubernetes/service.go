package kubernetes

import (
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// servicePort is the service's port inside the cluster.
const servicePort = 80

// service registers the pods' common address inside the cluster.
func (p *parts) service() error {
	s, err := corev1.NewService(p.ctx, p.logical("service"), &corev1.ServiceArgs{
		Metadata: p.meta(p.spec.Name, componentService, notAwaited()),
		Spec: &corev1.ServiceSpecArgs{
			Type:     pulumi.String("ClusterIP"),
			Selector: p.selector(componentService),
			// Use IPv4 and IPv6 if the cluster has both.
			IpFamilyPolicy: pulumi.String("PreferDualStack"),
			IpFamilies:     p.args.IPFamilies,
			Ports: corev1.ServicePortArray{&corev1.ServicePortArgs{
				Name: pulumi.String(portName), Port: pulumi.Int(servicePort), TargetPort: pulumi.String(portName), Protocol: pulumi.String("TCP"),
			}},
		},
	}, p.options...)
	if err != nil {
		return fmt.Errorf("registering the service: %w", err)
	}
	p.object(s)
	return nil
}
