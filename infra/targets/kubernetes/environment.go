package kubernetes

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
)

// privateNetworks are those that an ingress controller reaches pods from; what
// it says of clients is believed.
var privateNetworks = []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"}

// environ is what a pod's one process gets. It does not announce its end by
// itself: the preStop hook has waited when it is told.
func (p *parts) environ() map[string]string {
	spec := p.spec
	if len(spec.TrustedProxies) == 0 {
		spec = spec.Trusting(privateNetworks...)
	}
	spec.Lifecycle = spec.Lifecycle.WithoutAnnounce()
	env := spec.Environ()
	env[service.EnvPort] = strconv.Itoa(spec.Port)
	if spec.Redis.Mode == service.RedisLocal {
		env[service.EnvRedis] = p.redisURL()
	}
	if _, set := env[service.EnvTrustedHeaders]; !set {
		env[service.EnvTrustedHeaders] = strings.Join(service.IngressClaims, ",")
	}
	return env
}

// environment registers the ConfigMap and the Secret that pods take their
// environment from, and returns where. Their names change with their content,
// which rolls the pods; until that is done, pods of the release before find
// theirs unchanged, also when they are started anew.
func (p *parts) environment() (corev1.EnvFromSourceArray, error) {
	env := p.environ()
	name, err := contentName(p.spec.Name+"-config", env, 1)
	if err != nil {
		return nil, fmt.Errorf("naming the configuration: %w", err)
	}
	plain, err := corev1.NewConfigMap(p.ctx, p.logical("config"), &corev1.ConfigMapArgs{
		Metadata:  p.meta(name, componentService, nil),
		Immutable: pulumi.Bool(true),
		Data:      pulumi.ToStringMap(env),
	}, p.options...)
	if err != nil {
		return nil, fmt.Errorf("registering the configuration: %w", err)
	}
	p.object(plain)
	from := corev1.EnvFromSourceArray{&corev1.EnvFromSourceArgs{
		ConfigMapRef: &corev1.ConfigMapEnvSourceArgs{Name: pulumi.String(name)},
	}}
	if len(p.spec.Secrets) == 0 {
		return from, nil
	}
	values := map[string]string{}
	for _, key := range p.spec.Secrets {
		values[key] = p.args.Request.Secrets[key]
	}
	if name, err = contentName(p.spec.Name+SecretSuffix, values, secretRounds); err != nil {
		return nil, fmt.Errorf("naming the secrets: %w", err)
	}
	secret, err := corev1.NewSecret(p.ctx, p.logical("secrets"), &corev1.SecretArgs{
		Metadata:   p.meta(name, componentService, nil),
		Immutable:  pulumi.Bool(true),
		Type:       pulumi.String("Opaque"),
		StringData: pulumi.ToSecret(pulumi.ToStringMap(values)).(pulumi.StringMapOutput),
	}, p.options...)
	if err != nil {
		return nil, fmt.Errorf("registering the secrets: %w", err)
	}
	p.object(secret)
	// Last, so that a secret goes before a plain value of the same name.
	return append(from, &corev1.EnvFromSourceArgs{
		SecretRef: &corev1.SecretEnvSourceArgs{Name: pulumi.String(name)},
	}), nil
}

// SecretSuffix comes between the service's name and the checksum in the name of
// the Secret with the service's secrets.
const SecretSuffix = "-secrets"

// secretRounds make a checksum of secrets, which everybody sees who may read
// Deployments, useless for guessing them.
const secretRounds = 600_000

// contentName is base and a checksum of content. Slow, when rounds are many.
func contentName(base string, content map[string]string, rounds int) (string, error) {
	// JSON of a map is in the order of its keys.
	b, err := json.Marshal(content)
	if err != nil {
		return "", err
	}
	sum, err := pbkdf2.Key(sha256.New, string(b), []byte(base), rounds, 5)
	if err != nil {
		return "", err
	}
	return strings.Join([]string{base, hex.EncodeToString(sum)}, "-"), nil
}
