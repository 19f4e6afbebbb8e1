package kubernetes

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/operate/pods"
	"escala/service"
)

// privateNetworks are the networks from which an ingress controller reaches
// pods. The service trusts the client addresses that it forwards.
var privateNetworks = []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"}

// environ returns the environment of a pod's process. The announce time is zero,
// because the preStop hook already waits before the process gets SIGTERM.
func (p *parts) environ() map[string]string {
	spec := p.spec
	if spec.Runtime == service.RuntimeNone {
		env := spec.Environ()
		env[service.EnvPort], env[service.EnvHost] = strconv.Itoa(spec.Port), everyAddress
		if spec.Redis.Mode == service.RedisLocal {
			env[service.EnvRedis] = p.redisURL()
		}
		return env
	}
	if len(spec.TrustedProxies) == 0 {
		spec = spec.Trusting(privateNetworks...)
	}
	spec.Lifecycle = spec.Lifecycle.WithoutAnnounce()
	env := spec.Environ()
	env[service.EnvPort] = strconv.Itoa(spec.Port)
	if spec.Redis.Mode == service.RedisLocal {
		env[service.EnvRedis] = p.redisURL()
	}
	if p.args.Settings.Maintenance {
		env[service.EnvMaintenance] = maintenanceFolder + "/" + pods.MaintenanceFile
	}
	if spec.Metrics.Named() {
		env[service.EnvMetrics], env[service.EnvMetricsPort] = "admin", strconv.Itoa(service.MetricsPort)
	}
	if _, set := env[service.EnvTrustedHeaders]; !set {
		env[service.EnvTrustedHeaders] = strings.Join(service.IngressClaims, ",")
	}
	return env
}

// everyAddress is the address on which a program without escala's runtime listens
// in a pod.
const everyAddress = "0.0.0.0"

// environment registers the ConfigMap and the Secret with the pods' environment,
// and returns references to them.
//
// Pulumi generates their names. Both objects are immutable, so changed content
// makes a new object with a new, unique name, and the new name rolls the pods.
// Meanwhile, pods of the previous release still find their own objects, also when
// they restart. A name derived from the content would fail when a change is
// reverted after a failed update: the object with the previous content would still
// be in the cluster.
func (p *parts) environment() (corev1.EnvFromSourceArray, error) {
	plain, err := corev1.NewConfigMap(p.ctx, p.logical("config"), &corev1.ConfigMapArgs{
		Metadata:  p.unnamed(),
		Immutable: pulumi.Bool(true),
		Data:      pulumi.ToStringMap(p.environ()),
	}, p.options...)
	if err != nil {
		return nil, fmt.Errorf("registering the configuration: %w", err)
	}
	p.object(plain)
	from := corev1.EnvFromSourceArray{&corev1.EnvFromSourceArgs{
		ConfigMapRef: &corev1.ConfigMapEnvSourceArgs{Name: plain.Metadata.Name()},
	}}
	if len(p.spec.Secrets) == 0 {
		return from, nil
	}
	values := map[string]string{}
	for _, key := range p.spec.Secrets {
		values[key] = p.args.Request.Secrets[key]
	}
	secret, err := corev1.NewSecret(p.ctx, p.logical(secretsPart), &corev1.SecretArgs{
		Metadata:   p.unnamed(),
		Immutable:  pulumi.Bool(true),
		Type:       pulumi.String("Opaque"),
		StringData: pulumi.ToSecret(pulumi.ToStringMap(values)).(pulumi.StringMapOutput),
	}, p.options...)
	if err != nil {
		return nil, fmt.Errorf("registering the secrets: %w", err)
	}
	p.object(secret)
	// The last source wins: a secret overrides a plain value of the same name.
	return append(from, &corev1.EnvFromSourceArgs{
		SecretRef: &corev1.SecretEnvSourceArgs{Name: secret.Metadata.Name()},
	}), nil
}

// The name of the Secret with the service's secrets is the service's name, this
// part, and a suffix that Pulumi generates.
const (
	secretsPart  = "secrets"
	SecretSuffix = "-" + secretsPart
)
