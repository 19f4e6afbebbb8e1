package kubernetes

import (
	"fmt"
	"maps"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// ownNamespace registers the service's own namespace, in which only unprivileged
// pods run. A destroy waits until the namespace is gone. That includes what its
// objects made elsewhere: an ingress controller holds the Ingress, and so the
// namespace, until its load balancer is deleted.
func (p *parts) ownNamespace() error {
	labels := pulumi.StringMap{
		"app.kubernetes.io/name":       pulumi.String(p.spec.Name),
		"app.kubernetes.io/managed-by": pulumi.String("escala"),
	}
	for _, mode := range []string{"enforce", "audit", "warn"} {
		labels["pod-security.kubernetes.io/"+mode] = pulumi.String("restricted")
	}
	var all pulumi.StringMapInput = labels
	if more := p.args.NamespaceLabels; more != nil {
		all = pulumi.All(labels, more).ApplyT(func(v []any) map[string]string {
			both := maps.Clone(v[1].(map[string]string))
			maps.Copy(both, v[0].(map[string]string))
			return both
		}).(pulumi.StringMapOutput)
	}
	// If the settings name the namespace, it must stay when the service is renamed.
	logical := p.logical("namespace")
	if name := p.args.Settings.Namespace; name != "" {
		logical = name + "-namespace"
	}
	namespace, err := corev1.NewNamespace(p.ctx, logical, &corev1.NamespaceArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(p.namespace()), Labels: all},
	}, p.options...)
	if err != nil {
		return fmt.Errorf("registering the namespace: %w", err)
	}
	p.options = append(p.options, pulumi.DependsOn([]pulumi.Resource{namespace}))
	return nil
}

// serviceAccount registers an account without permissions. The pods get no token
// for it.
func (p *parts) serviceAccount() error {
	account, err := corev1.NewServiceAccount(p.ctx, p.logical("serviceaccount"), &corev1.ServiceAccountArgs{
		Metadata:                     p.meta(p.spec.Name, componentService, nil),
		AutomountServiceAccountToken: pulumi.Bool(false),
	}, p.options...)
	if err != nil {
		return fmt.Errorf("registering the service account: %w", err)
	}
	p.object(account)
	return nil
}
