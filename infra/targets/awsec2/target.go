// Package awsec2 is the target on Amazon: one EC2 machine behind an Elastic IP,
// with its releases in S3 and its secrets in the Parameter Store.
package awsec2

import (
	"context"

	"escala/infra/build"
	"escala/infra/deploy"
)

// EC2 is the target aws-ec2.
type EC2 struct {
	settings Settings
}

// New returns the target with its defaults.
func New() *EC2 { return &EC2{settings: NewSettings()} }

var _ deploy.Machine = (*EC2)(nil)

// Name returns "aws-ec2".
func (*EC2) Name() string { return "aws-ec2" }

// Section returns "aws".
func (*EC2) Section() string { return "aws" }

// Settings returns a pointer to the target's Settings.
func (t *EC2) Settings() any { return &t.settings }

// Platform returns Linux on the settings' architecture.
func (t *EC2) Platform() build.Platform { return build.Platform{OS: "linux", Arch: t.settings.Arch} }

// Check reports what is wrong with the settings, the secrets and the resulting
// user-data.
func (t *EC2) Check(_ context.Context, r deploy.Request) error {
	v := t.settings.violations()
	r.CheckRegion(&v, t.Section(), t.settings.Region)
	checkSecrets(&v, r)
	checkRole(&v, r, t.settings)
	v = append(v, t.settings.zones(r.Spec).Violations()...)
	r.CheckOwnCertificate(&v)
	r.CheckAuthorityCA(&v)
	if len(v) == 0 && r.Spec.Validate() == nil {
		// Placeholders of the same length replace the names that only AWS knows, so
		// that user-data that is too large is found before the update.
		const unique = "0123456789abcdef"
		names := machineNames{bucket: deploy.BucketPrefix(r.Project, r.Stack) + unique, secrets: secretsPath(r.Stack, unique), revision: revisionPlaceholder(r), address: "255.255.255.255", operator: deploy.OperatorPlaceholder}
		if _, err := userDataLimit.UserData(machine(r, t.settings, names)); err != nil {
			v.Add("service", "%s", err)
		}
	}
	return v.Err()
}
