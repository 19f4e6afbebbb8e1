package awsec2

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/ssm"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
)

// secretStore is where the machine reads the service's secrets.
type secretStore struct {
	// arns of the parameters, for the machine's role.
	arns pulumi.StringArrayOutput
	// revision is another one when a value is.
	revision pulumi.StringOutput
}

// secretsPath is what stands before each secret's name.
func secretsPath(stack string) string { return "/escala/" + stack }

func (d deployment) secrets() (secretStore, error) {
	var arns pulumi.StringArray
	var versions []any
	for _, name := range d.Request.Spec.Secrets {
		parameter, err := ssm.NewParameter(d.Ctx, d.Name("secret-"+name), &ssm.ParameterArgs{
			Name:  pulumi.String(secretsPath(d.Ctx.Stack()) + "/" + name),
			Type:  pulumi.String("SecureString"),
			Value: pulumi.ToSecret(pulumi.String(d.Request.Secrets[name])).(pulumi.StringOutput),
		}, d.Options()...)
		if err != nil {
			return secretStore{}, fmt.Errorf("registering the secret %s: %w", name, err)
		}
		arns = append(arns, parameter.Arn)
		versions = append(versions, parameter.Version)
	}
	return secretStore{
		arns: arns.ToStringArrayOutput(),
		revision: pulumi.All(versions...).ApplyT(func(all []any) string {
			parts := make([]string, len(all))
			for i, version := range all {
				parts[i] = fmt.Sprint(version)
			}
			return strings.Join(parts, ".")
		}).(pulumi.StringOutput),
	}, nil
}

// revisionStandIn is as long as a revision gets.
func revisionStandIn(r deploy.Request) string {
	return strings.Repeat("100.", len(r.Spec.Secrets))
}
