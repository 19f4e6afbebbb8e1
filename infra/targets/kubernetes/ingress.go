package kubernetes

import (
	"fmt"
	"maps"
	"math"
	"strconv"

	netv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

func (p *parts) ingress() error {
	secret, certified, err := p.certificate()
	if err != nil {
		return err
	}
	spec := &netv1.IngressSpecArgs{Rules: p.rules()}
	if class := p.args.IngressClass; class != nil {
		spec.IngressClassName = class.ToStringOutput().ToStringPtrOutput()
	}
	if secret != nil {
		spec.Tls = netv1.IngressTLSArray{&netv1.IngressTLSArgs{
			Hosts: pulumi.ToStringArray(p.spec.HostNames()), SecretName: secret.ToStringOutput().ToStringPtrOutput(),
		}}
	}
	meta := p.meta(p.spec.Name, componentService, nil)
	annotations := notAwaited()
	if p.args.IngressAnnotations == nil { // the target has chosen no controller
		annotations = nginxLimits(p.spec)
	}
	maps.Copy(annotations, certified)
	for key, value := range p.args.Settings.IngressAnnotations {
		annotations[key] = pulumi.String(value)
	}
	meta.Annotations = annotations
	if more := p.args.IngressAnnotations; more != nil {
		meta.Annotations = pulumi.All(more, annotations).ApplyT(func(v []any) map[string]string {
			all := maps.Clone(v[0].(map[string]string))
			// Annotations from the settings override those of the target.
			maps.Copy(all, v[1].(map[string]string))
			return all
		}).(pulumi.StringMapOutput)
	}
	ingress, err := netv1.NewIngress(p.ctx, p.logical("ingress"), &netv1.IngressArgs{Metadata: meta, Spec: spec}, p.after()...)
	if err != nil {
		return fmt.Errorf("registering the ingress: %w", err)
	}
	p.object(ingress)
	return nil
}

// rules returns rules that route every name of the service to the service.
func (p *parts) rules() netv1.IngressRuleArray {
	rule := func(host string) *netv1.IngressRuleArgs {
		r := &netv1.IngressRuleArgs{Http: &netv1.HTTPIngressRuleValueArgs{
			Paths: netv1.HTTPIngressPathArray{&netv1.HTTPIngressPathArgs{
				Path:     pulumi.String(p.spec.PathPrefix),
				PathType: pulumi.String("Prefix"),
				Backend: &netv1.IngressBackendArgs{Service: &netv1.IngressServiceBackendArgs{
					Name: pulumi.String(p.spec.Name),
					Port: &netv1.ServiceBackendPortArgs{Name: pulumi.String(portName)},
				}},
			}},
		}}
		if host != "" {
			r.Host = pulumi.String(host)
		}
		return r
	}
	if p.spec.Host == "" {
		return netv1.IngressRuleArray{rule("")}
	}
	var all netv1.IngressRuleArray
	for _, name := range p.spec.HostNames() {
		all = append(all, rule(name))
	}
	return all
}

// nginxLimits returns the annotations that set the description's limits in
// ingress-nginx. Its own defaults refuse bodies above 1 MiB and close idle
// connections after 60 s. Other ingress controllers ignore the annotations.
func nginxLimits(spec service.Spec) pulumi.StringMap {
	const prefix = "nginx.ingress.kubernetes.io/"
	idle := strconv.Itoa(int(math.Ceil(spec.WebSocket.ProxyIdle.Seconds())))
	all := notAwaited()
	for name, value := range map[string]string{
		"proxy-body-size":    fmt.Sprintf("%dm", spec.Limits.BodyMiB),
		"proxy-buffer-size":  fmt.Sprintf("%dk", spec.Limits.ResponseHeaderKiB),
		"proxy-read-timeout": idle,
		"proxy-send-timeout": idle,
	} {
		all[prefix+name] = pulumi.String(value)
	}
	if !spec.TLS.Redirect {
		// With a certificate, ingress-nginx redirects by default.
		all[prefix+"ssl-redirect"] = pulumi.String("false")
	}
	return all
}
