package kubernetes

import (
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// pullLogin registers the secret with which nodes pull the image, if the target
// provides a login. Pods refer to it directly, because a service account's secret
// reaches only pods that are made after it was added.
func (p *parts) pullLogin() error {
	if p.args.PullLogin == nil {
		return nil
	}
	secret, err := corev1.NewSecret(p.ctx, p.logical("pull"), &corev1.SecretArgs{
		Metadata:  p.unnamed(),
		Immutable: pulumi.Bool(true),
		Type:      pulumi.String("kubernetes.io/dockerconfigjson"),
		StringData: pulumi.ToSecret(pulumi.StringMap{
			".dockerconfigjson": p.args.PullLogin,
		}).(pulumi.StringMapOutput),
	}, p.options...)
	if err != nil {
		return fmt.Errorf("registering the login to the image's registry: %w", err)
	}
	p.object(secret)
	p.pullSecret = secret.Metadata.Name()
	return nil
}
