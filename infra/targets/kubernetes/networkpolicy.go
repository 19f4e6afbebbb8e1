package kubernetes

import (
	"fmt"

	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	netv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// networkPolicy opens only the service's port, and opens it to every sender.
// Ingress controllers reach pods from nodes, from other namespaces and from load
// balancers outside of the cluster, and the port is public anyway.
//
// Outgoing connections may go anywhere except to the clouds' metadata services. A
// service may use any peer and port, but must not get the node's identity.
//
// Cilium does not match pods or nodes by address. So the policy also selects pods
// by label. It cannot select nodes, so a service that connects to an agent on its
// node has to leave egress open.
func (p *parts) networkPolicy() error {
	ingress := netv1.NetworkPolicyIngressRuleArray{&netv1.NetworkPolicyIngressRuleArgs{Ports: ports(portName)}}
	if scrapers := p.scrapers(); len(scrapers) > 0 {
		ingress = append(ingress, &netv1.NetworkPolicyIngressRuleArgs{Ports: ports(metricsPortName), From: scrapers})
	}
	return p.policy(p.spec.Name, "networkpolicy", componentService, &netv1.NetworkPolicySpecArgs{
		Ingress: ingress,
		Egress:  netv1.NetworkPolicyEgressRuleArray{p.egress()},
	})
}

// egress returns the rule for outgoing connections.
func (p *parts) egress() *netv1.NetworkPolicyEgressRuleArgs {
	rule := &netv1.NetworkPolicyEgressRuleArgs{}
	if p.args.Settings.RestrictEgress {
		rule.To = netv1.NetworkPolicyPeerArray{
			outside("0.0.0.0/0", "169.254.169.254/32"),
			outside("::/0", "fd00:ec2::254/128"),
			&netv1.NetworkPolicyPeerArgs{NamespaceSelector: &metav1.LabelSelectorArgs{}},
		}
	}
	return rule
}

// policy registers a component's network policy. It denies every incoming and
// outgoing connection that spec does not allow.
func (p *parts) policy(name, part, component string, spec *netv1.NetworkPolicySpecArgs) error {
	spec.PodSelector = p.choose(component)
	spec.PolicyTypes = pulumi.ToStringArray([]string{"Ingress", "Egress"})
	policy, err := netv1.NewNetworkPolicy(p.ctx, p.logical(part), &netv1.NetworkPolicyArgs{
		Metadata: p.meta(name, component, nil),
		Spec:     spec,
	}, p.options...)
	if err != nil {
		return fmt.Errorf("registering the network policy of %s: %w", name, err)
	}
	p.object(policy)
	return nil
}

func outside(cidr, except string) *netv1.NetworkPolicyPeerArgs {
	return &netv1.NetworkPolicyPeerArgs{IpBlock: &netv1.IPBlockArgs{
		Cidr: pulumi.String(cidr), Except: pulumi.ToStringArray([]string{except}),
	}}
}

// ports returns one TCP port, by its name in the pod.
func ports(name string) netv1.NetworkPolicyPortArray {
	return netv1.NetworkPolicyPortArray{&netv1.NetworkPolicyPortArgs{Port: pulumi.String(name), Protocol: pulumi.String("TCP")}}
}
