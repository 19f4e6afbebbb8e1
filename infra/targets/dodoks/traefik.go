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

// class is the name of the ingress class, of the release and of its namespace.
const class = "traefik"

// The chart, with Traefik 3.7.11.
const (
	traefikChartFile = charts + "traefik-41.3.0.tgz"
	traefikVersion   = "41.3.0"
)

// charts is the folder of the charts, see charts/README.md. It is relative to
// infra/, where Pulumi runs.
const charts = "./targets/dodoks/charts/"

// installTimeout is how long the pods of a chart may take, in seconds; the load
// balancer is waited for too.
const installTimeout = 600

// privateNetworks are where the load balancer reaches Traefik from, and Traefik
// the service. Nobody outside of VPC and cluster reaches either of them another
// way, so what comes from there tells the client's address truthfully.
var privateNetworks = []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}

// behindTraefik is the description as it has to be behind Traefik: it is
// believed who the client is. Traefik closes idle connections to the service
// after 90 s, before the service does, and learns of a pod's end as fast as
// Kubernetes does.
func behindTraefik(spec service.Spec) service.Spec {
	return spec.Trusting(privateNetworks...)
}

// traefik installs the ingress controller. What it returns is there as long as
// any Ingress is.
func (d deployment) traefik(provider pulumi.ProviderResource) (pulumi.Resource, error) {
	on := []pulumi.ResourceOption{pulumi.Parent(d.Component), pulumi.Provider(provider)}
	// A namespace of its own: it is gone only when the load balancer is, and that
	// is what a destroy waits for.
	namespace, err := corev1.NewNamespace(d.Ctx, d.Name(class), &corev1.NamespaceArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(class)},
	}, on...)
	if err != nil {
		return nil, fmt.Errorf("registering the namespace of Traefik: %w", err)
	}
	values, err := helm.Values(traefikValues(d.settings, d.Request.Spec))
	if err != nil {
		return nil, err
	}
	return helm.NewRelease(d.Ctx, d.Name(class), &helm.ReleaseArgs{
		Chart:     pulumi.String(traefikChartFile),
		Version:   pulumi.String(traefikVersion),
		Name:      pulumi.String(class),
		Namespace: namespace.Metadata.Name().Elem(),
		Values:    values,
		Atomic:    pulumi.Bool(true),
		// They are for what is not used here.
		SkipCrds:   pulumi.Bool(true),
		Timeout:    pulumi.Int(installTimeout),
		MaxHistory: pulumi.Int(5),
	}, on...)
}

// How a Traefik ends. All nodes learn within seconds that it takes no new
// connections; until then it serves on as before.
const (
	lookEvery      = 3 * time.Second
	stillServing   = 15 * time.Second
	stillAccepting = 5 * time.Second
	leastDrain     = 30 * time.Second
	endMargin      = 5 * time.Second
)

// drain is how long requests in flight may take in Traefik: as long as in the
// service.
func drain(spec service.Spec) time.Duration { return max(spec.Lifecycle.Drain, leastDrain) }

// annotations are those of Traefik's Service, which DigitalOcean's controller
// makes the load balancer from.
func annotations(s Settings, spec service.Spec) map[string]string {
	const prefix = "service.beta.kubernetes.io/do-loadbalancer-"
	all := map[string]string{
		// The one that knows the PROXY protocol and certificates.
		prefix + "type": "REGIONAL",
		prefix + "healthcheck-check-interval-seconds":   strconv.Itoa(service.Seconds(lookEvery)),
		prefix + "healthcheck-response-timeout-seconds": "3",
		prefix + "healthcheck-unhealthy-threshold":      "2",
		prefix + "healthcheck-healthy-threshold":        "2",
	}
	if s.Certificate == "" {
		all[prefix+"protocol"] = "tcp"
		all[prefix+"enable-proxy-protocol"] = "true"
		return all
	}
	all[prefix+"protocol"] = "http"
	all[prefix+"tls-ports"] = "443"
	all[prefix+"certificate-name"] = s.Certificate
	all[prefix+"redirect-http-to-https"] = "true"
	all[prefix+"http-idle-timeout-seconds"] = strconv.Itoa(service.Seconds(spec.WebSocket.ProxyIdle))
	return all
}
