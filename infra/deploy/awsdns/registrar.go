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
// A zone has one record of a name and type, whichever resource wrote it. Route 53
// refuses a second one, and deleting a replaced resource would delete the record of
// its replacement (resourceRecordDelete in the provider's record.go). So a record
// is never replaced while its name stays: neither when the service is renamed, nor
// when the stack moves to another region. Route 53 refuses to create a record that
// already exists and is not the stack's.
type Registrar struct {
	component *deploy.Component
	provider  *aws.Provider
}

// NewRegistrar returns the component's registrar, with a provider of its own.
// Changing a provider's region replaces all of its resources. Route 53 has no
// regions, so the records' provider keeps its first region.
func NewRegistrar(c *deploy.Component, region string) (Registrar, error) {
	name, renamed := c.StableName("aws-dns")
	provider, err := aws.NewProvider(c.Ctx, name, &aws.ProviderArgs{Region: pulumi.String(region)},
		pulumi.Parent(c), renamed, pulumi.IgnoreChanges([]string{"region"}))
	if err != nil {
		return Registrar{}, fmt.Errorf("registering the AWS provider of the records: %w", err)
	}
	return Registrar{component: c, provider: provider}, nil
}

// Record registers a record with the logical name part. If the state has the record
// under a logical name with the service's name, the record is kept and renamed.
func (r Registrar) Record(part string, args *route53.RecordArgs) (*route53.Record, error) {
	name, renamed := r.component.StableName(part)
	return route53.NewRecord(r.component.Ctx, name, args, pulumi.Parent(r.component), pulumi.Provider(r.provider), renamed)
}
