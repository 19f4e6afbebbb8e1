package awsdns

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/route53"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
)

// Registrar registers a stack's records in Route 53.
//
// A zone has one record of a name and type, whichever resource wrote it: Route 53
// refuses a second one, and the deletion of a replaced resource would take away
// the record of its replacement (resourceRecordDelete of the provider's
// record.go). So a record is never replaced while its name stays: neither by a
// service with another name, nor by a stack that moves to another region. Route
// 53 refuses a record that exists and is not the stack's.
type Registrar struct {
	component *deploy.Component
	provider  *aws.Provider
}

// NewRegistrar returns the component's registrar, with a provider of its own:
// another region of a provider replaces all that it made. Route 53 has no regions,
// so the provider of the records keeps the one that it began with.
func NewRegistrar(c *deploy.Component, region string) (Registrar, error) {
	name, renamed := c.Lasting("aws-dns")
	provider, err := aws.NewProvider(c.Ctx, name, &aws.ProviderArgs{Region: pulumi.String(region)},
		pulumi.Parent(c), renamed, pulumi.IgnoreChanges([]string{"region"}))
	if err != nil {
		return Registrar{}, fmt.Errorf("registering the AWS provider of the records: %w", err)
	}
	return Registrar{component: c, provider: provider}, nil
}

// Record registers a record. Its logical name is part, without the service's
// name; a record that has the service's name in the state becomes it.
func (r Registrar) Record(part string, args *route53.RecordArgs) (*route53.Record, error) {
	name, renamed := r.component.Lasting(part)
	return route53.NewRecord(r.component.Ctx, name, args, pulumi.Parent(r.component), pulumi.Provider(r.provider), renamed)
}
