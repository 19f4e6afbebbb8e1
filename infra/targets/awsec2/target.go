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

func (*EC2) Name() string { return "aws-ec2" }

// Section implements target.Target.
func (*EC2) Section() string { return "aws" }

// Settings implements target.Target.
func (t *EC2) Settings() any { return &t.settings }

// Platform implements target.Target.
func (t *EC2) Platform() build.Platform { return build.Platform{OS: "linux", Arch: t.settings.Arch} }

// Check implements target.Target.
func (t *EC2) Check(_ context.Context, r deploy.Request) error {
	v := t.settings.violations()
	r.CheckRegion(&v, t.Section(), t.settings.Region)
	if len(v) == 0 && r.Spec.Validate() == nil {
		// Rendered with a stand-in for what only AWS can name, of the same
		// length, so that user-data which is too large is known beforehand.
		if _, err := userDataLimit.UserData(machine(r, t.settings, deploy.BucketPrefix("escala", r.Stack)+"0123456789abcdef", revisionStandIn(r))); err != nil {
			v.Add("service", "%s", err)
		}
	}
	return v.Err()
}
