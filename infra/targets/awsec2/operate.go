package awsec2

import (
	"context"
	"fmt"
	"time"

	"escala/cloudinit/agent/store"
	"escala/infra/operate"
	"escala/infra/operate/awslogin"
	"escala/service/event"
)

var (
	_ operate.StatusReporter = (*EC2)(nil)
	_ operate.Eventer        = (*EC2)(nil)
)

// Status asks the machine at its address, and reads what it wrote to the release
// store with the operator's credentials.
func (t *EC2) Status(ctx context.Context, s *operate.Stack) (operate.Status, error) {
	m, err := t.machines(ctx, s)
	if err != nil {
		return operate.Status{}, err
	}
	return m.Status(ctx), nil
}

// Events returns what the machine wrote to the release store.
func (t *EC2) Events(ctx context.Context, s *operate.Stack, since time.Time) ([]event.Event, error) {
	m, err := t.machines(ctx, s)
	if err != nil {
		return nil, err
	}
	return m.Events(ctx, since)
}

// machines returns the stack's machines, their addresses, and the bucket with what
// they wrote.
func (t *EC2) machines(ctx context.Context, s *operate.Stack) (operate.Machines, error) {
	m := operate.Machines{Stack: s, NoObjects: operate.ErrNothing}
	var stable []string
	for _, r := range s.OfType("aws:ec2/eip:Eip") {
		stable = operate.URLs(r.Text("publicIp"))
	}
	for _, r := range s.WithReplaced("aws:ec2/instance:Instance") {
		m.At = append(m.At, operate.At{ID: r.ID, URLs: append(operate.URLs(r.Text("publicIp")), stable...), Replaced: r.Replaced})
	}
	credentials, err := login(ctx, s)
	if err != nil {
		return m, err
	}
	for _, r := range s.OfType("aws:s3/bucketV2:BucketV2") {
		m.Objects = store.S3{Bucket: r.ID, Region: t.settings.Region}.Objects(credentials)
	}
	return m, nil
}

// login returns the operator's credentials, from the AWS profile in the stack's
// configuration.
func login(ctx context.Context, s *operate.Stack) (*awslogin.Login, error) {
	profile, _, err := s.Config(ctx, "aws:profile")
	if err != nil {
		return nil, fmt.Errorf("reading the stack's AWS profile: %w", err)
	}
	return &awslogin.Login{Profile: profile}, nil
}
