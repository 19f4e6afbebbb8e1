package kubernetes

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	netv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

// metricsPortName is the name of the pod's port for named scrapers. Neither the
// Service nor the Ingress has this port, so it is not public.
const metricsPortName = "metrics"

// containerPorts returns the pod's ports.
func (p *parts) containerPorts() corev1.ContainerPortArray {
	ports := corev1.ContainerPortArray{&corev1.ContainerPortArgs{
		Name: pulumi.String(portName), ContainerPort: pulumi.Int(p.spec.Port), Protocol: pulumi.String("TCP"),
	}}
	if p.spec.Metrics.Named() {
		ports = append(ports, &corev1.ContainerPortArgs{
			Name: pulumi.String(metricsPortName), ContainerPort: pulumi.Int(service.MetricsPort), Protocol: pulumi.String("TCP"),
		})
	}
	return ports
}

// scrapers returns the peers that may connect to the metrics' port: addresses, and
// namespaces by the label that Kubernetes itself sets
// (kubernetes.io/docs/concepts/overview/working-with-objects/namespaces, "Automatic
// labelling").
func (p *parts) scrapers() netv1.NetworkPolicyPeerArray {
	var peers netv1.NetworkPolicyPeerArray
	for _, one := range p.spec.Metrics.Allow {
		network, _ := service.ParseNetwork(one)
		peers = append(peers, &netv1.NetworkPolicyPeerArgs{IpBlock: &netv1.IPBlockArgs{Cidr: pulumi.String(network.String())}})
	}
	for _, name := range p.spec.Metrics.Namespaces {
		peers = append(peers, &netv1.NetworkPolicyPeerArgs{NamespaceSelector: &metav1.LabelSelectorArgs{
			MatchLabels: pulumi.StringMap{namespaceLabel: pulumi.String(name)},
		}})
	}
	return peers
}

const namespaceLabel = "kubernetes.io/metadata.name"

// checkMetrics reports settings of named scrapers that a cluster cannot fulfil.
func checkMetrics(v *service.Violations, spec service.Spec) {
	if !spec.Metrics.Named() {
		return
	}
	if spec.Port == service.MetricsPort {
		v.Add("port", "is %d, the port of the metrics for service.metrics; choose another one", spec.Port)
	}
	if _, set := spec.Env[service.EnvMetrics]; set {
		v.Add("env."+service.EnvMetrics, "is set together with service.metrics, which decides where the metrics are; take one out")
	}
}
