package awsec2

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/cloudinit"
	"escala/infra/deploy"
	"escala/service"
)

// secretStore is the place that the machine reads the service's secrets from.
type secretStore struct {
	// arns are the ARNs of the parameters, for the machine's role.
	arns pulumi.StringArrayOutput
	// path is the prefix of each secret's name.
	path pulumi.StringOutput
	// revision changes when any value changes.
	revision pulumi.StringOutput
}

// parameterBytes is the largest size of a parameter's value ("Managing parameter
// tiers"). Above 4 KiB the parameter is an advanced one, which costs some cents a
// month.
const parameterBytes = 8 << 10

// secretsPath returns the prefix of the names of a stack's secrets. Names are
// unique in an account and region, and the provider does not overwrite an existing
// parameter. So unique separates two clones whose stacks have the same name.
func secretsPath(stack, unique string) string { return "/escala/" + stack + "/" + unique }

// checkSecrets reports the secrets that are too large for a parameter.
func checkSecrets(v *service.Violations, r deploy.Request) {
	names := r.Spec.Secrets
	if r.Spec.TLSMode() == service.TLSCertificate {
		names = append(names[:len(names):len(names)], r.Spec.TLS.Certificate)
	}
	for _, name := range names {
		if size := len(r.Secrets[name]); size > parameterBytes {
			v.Add("secrets."+name, "has %d bytes; the Parameter Store takes %d at most", size, parameterBytes)
		}
	}
}

// value is one of the stack's secrets.
type value struct {
	name string
	text pulumi.StringInput
}

// values returns the stack's secrets: the service's, and those for HTTPS and the
// webhook.
func (d deployment) values() ([]value, error) {
	var all []value
	for _, name := range d.Request.Spec.Secrets {
		all = append(all, value{name, pulumi.String(d.Request.Secrets[name])})
	}
	if d.Request.Webhook != "" {
		all = append(all, value{cloudinit.WebhookName, pulumi.String(d.Request.Webhook)})
	}
	spec := d.Request.Spec
	if !spec.HTTPS() {
		return all, nil
	}
	seed, err := d.TLSSeed()
	if err != nil {
		return nil, err
	}
	all = append(all, value{cloudinit.TLSSeedName, seed})
	if spec.TLSMode() == service.TLSCertificate {
		all = append(all, value{cloudinit.TLSCertificateName, pulumi.String(d.Request.Secrets[spec.TLS.Certificate])})
	}
	return all, nil
}

func (d deployment) secrets(unique pulumi.StringOutput) (secretStore, error) {
	values, err := d.values()
	if err != nil {
		return secretStore{}, err
	}
	path := unique.ApplyT(func(unique string) string { return secretsPath(d.Ctx.Stack(), unique) }).(pulumi.StringOutput)
	var arns pulumi.StringArray
	var versions []any
	for _, one := range values {
		parameter, err := ssm.NewParameter(d.Ctx, d.Name("secret-"+one.name), &ssm.ParameterArgs{
			Name:  pulumi.Sprintf("%s/%s", path, one.name),
			Type:  pulumi.String("SecureString"),
			Tier:  pulumi.String("Intelligent-Tiering"), // chooses the cheapest tier that takes the value
			Value: pulumi.ToSecret(one.text.ToStringOutput()).(pulumi.StringOutput),
			// The old machine reads the old parameter until the new machine serves.
		}, d.Options(pulumi.DeleteBeforeReplace(false))...)
		if err != nil {
			return secretStore{}, fmt.Errorf("registering the secret %s: %w", one.name, err)
		}
		arns = append(arns, parameter.Arn)
		versions = append(versions, parameter.Version)
	}
	return secretStore{
		arns: arns.ToStringArrayOutput(),
		path: path,
		revision: pulumi.All(versions...).ApplyT(func(all []any) string {
			parts := make([]string, len(all))
			for i, version := range all {
				parts[i] = fmt.Sprint(version)
			}
			return strings.Join(parts, ".")
		}).(pulumi.StringOutput),
	}, nil
}

// revisionPlaceholder returns a placeholder as long as the longest revision.
func revisionPlaceholder(r deploy.Request) string {
	// Two more parameters are for HTTPS, and one is for the webhook.
	return strings.Repeat("100.", len(r.Spec.Secrets)+3)
}
