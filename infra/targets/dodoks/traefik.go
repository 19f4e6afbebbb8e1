package dodoks

import (
	"fmt"
	"strconv"
	"time"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/helm"
	"escala/service"
)

// class is the name of the ingress class, the Helm release and its namespace.
const class = "traefik"

// The chart contains Traefik 3.7.11.
const (
	traefikChartFile = "traefik-41.3.0.tgz"
	traefikVersion   = "41.3.0"
)

// installTimeout is the time in seconds that a chart's pods have to become
// ready. It includes the wait for the load balancer.
const installTimeout = 600

// privateNetworks are the networks from which the load balancer reaches Traefik,
// and Traefik reaches the service. Other senders cannot reach either of them
// directly, so the client addresses that these networks report can be trusted.
var privateNetworks = []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}

// behindTraefik returns the description for a service behind Traefik. The service
// trusts the client addresses that Traefik reports. Traefik closes idle connections
// to the service after 90 s, before the service does. Traefik learns of a pod's end
// as fast as Kubernetes itself does.
func behindTraefik(spec service.Spec) service.Spec {
	return spec.Trusting(privateNetworks...)
}

// traefik installs the ingress controller. The returned resource must exist as
// long as any Ingress does.
func (d deployment) traefik(provider pulumi.ProviderResource) (pulumi.Resource, error) {
	options := []pulumi.ResourceOption{pulumi.Parent(d.Component), pulumi.Provider(provider)}
	// Traefik has its own namespace, which is gone only once the load balancer is
	// gone. A destroy waits for that.
	namespace, err := corev1.NewNamespace(d.Ctx, d.Name(class), &corev1.NamespaceArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(class)},
	}, options...)
	if err != nil {
		return nil, fmt.Errorf("registering the namespace of Traefik: %w", err)
	}
	certificate, err := d.certificate()
	if err != nil {
		return nil, err
	}
	chart, err := d.chart(traefikChartFile)
	if err != nil {
		return nil, err
	}
	values := certificate.ToStringOutput().ApplyT(func(name string) (map[string]any, error) {
		return helm.Plain(traefikValues(d.settings, d.Request.Spec, name))
	}).(pulumi.MapOutput)
	return helm.NewRelease(d.Ctx, d.Name(class), &helm.ReleaseArgs{
		Chart:     pulumi.String(chart),
		Version:   pulumi.String(traefikVersion),
		Name:      pulumi.String(class),
		Namespace: namespace.Metadata.Name().Elem(),
		Values:    values,
		Atomic:    pulumi.Bool(true),
		// The chart's CRDs define objects that are not used here.
		SkipCrds:   pulumi.Bool(true),
		Timeout:    pulumi.Int(installTimeout),
		MaxHistory: pulumi.Int(5),
	}, options...)
}

// These are the times of Traefik's shutdown. All nodes learn within seconds that a
// Traefik accepts no new connections. Until then, it serves as before.
const (
	pollInterval   = 3 * time.Second
	stillServing   = 15 * time.Second
	stillAccepting = 5 * time.Second
	minDrain       = 30 * time.Second
	endMargin      = 5 * time.Second
)

// drain returns the time that requests in flight have in Traefik. It is the
// service's own time, and at least minDrain.
func drain(spec service.Spec) time.Duration { return max(spec.Lifecycle.Drain, minDrain) }

// annotations returns the annotations of Traefik's Service. DigitalOcean's
// controller makes the load balancer from them. certificate is the name of the
// load balancer's certificate, or "".
func annotations(s Settings, spec service.Spec, certificate string) map[string]string {
	const prefix = "service.beta.kubernetes.io/do-loadbalancer-"
	all := map[string]string{
		// Only this type supports the PROXY protocol and certificates.
		prefix + "type": "REGIONAL",
		prefix + "healthcheck-check-interval-seconds":   strconv.Itoa(service.Seconds(pollInterval)),
		prefix + "healthcheck-response-timeout-seconds": "3",
		prefix + "healthcheck-unhealthy-threshold":      "2",
		prefix + "healthcheck-healthy-threshold":        "2",
	}
	source := s.certificateSource(spec)
	if !source.atBalancer() {
		all[prefix+"protocol"] = "tcp"
		all[prefix+"enable-proxy-protocol"] = "true"
		return all
	}
	all[prefix+"protocol"] = "http"
	all[prefix+"tls-ports"] = "443"
	all[prefix+"certificate-name"] = certificate
	if spec.TLS.Redirect {
		all[prefix+"redirect-http-to-https"] = "true"
	}
	all[prefix+"http-idle-timeout-seconds"] = strconv.Itoa(service.Seconds(spec.WebSocket.ProxyIdle))
	if source == managedCertificate {
		// Otherwise DigitalOcean would make an A record at the top of the domain,
		// whatever the certificate's names are. That would take down a site at the
		// domain itself.
		all[prefix+"disable-lets-encrypt-dns-records"] = "true"
	}
	return all
}
