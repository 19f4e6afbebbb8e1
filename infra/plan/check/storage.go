package check

import (
	"context"
	"strings"

	"escala/infra/plan"
	"escala/infra/plan/values"
)

// blocks lists the four settings that together prevent public access to an S3
// bucket.
var blocks = []string{"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"}

// storage finds storage that is not encrypted or that is public.
func storage(_ context.Context, s *subject) {
	for _, kind := range []string{"aws:s3/bucketV2:BucketV2", "aws:s3/bucket:Bucket"} {
		for _, bucket := range s.byType(kind) {
			s.bucket(bucket)
		}
	}
	for _, kind := range []string{"digitalocean:index/spacesBucket:SpacesBucket", "digitalocean:index/spacesBucketObject:SpacesBucketObject"} {
		for _, r := range s.byType(kind) {
			if acl := values.Text(r.Raw, "acl"); strings.HasPrefix(acl, "public") {
				s.add(plan.Error, r.Name, "has the ACL "+acl+": everybody may read it", "private")
			}
		}
	}
	for _, r := range s.byType("aws:s3/bucketObjectv2:BucketObjectv2") {
		if acl := values.Text(r.Raw, "acl"); strings.HasPrefix(acl, "public") {
			s.add(plan.Error, r.Name, "has the ACL "+acl+": everybody may read it", "private")
		}
	}
	for _, r := range s.byType("aws:ec2/instance:Instance") {
		if !values.Bool(r.Raw, "rootBlockDevice", "encrypted") {
			s.add(plan.Error, r.Name+".rootBlockDevice", "is not encrypted", "encrypted: true")
		}
		for _, device := range values.List(r.Raw, "ebsBlockDevices") {
			if !values.Bool(device, "encrypted") {
				s.add(plan.Error, r.Name+".ebsBlockDevices "+values.Text(device, "deviceName"), "is not encrypted", "encrypted: true")
			}
		}
	}
	for _, r := range s.byType("aws:ebs/volume:Volume") {
		if !values.Bool(r.Raw, "encrypted") {
			s.add(plan.Error, r.Name, "is not encrypted", "encrypted: true")
		}
	}
	for _, r := range s.byType("aws:ssm/parameter:Parameter") {
		if r.Secret["value"] && values.Text(r.Raw, "type") != "SecureString" {
			s.add(plan.Error, r.Name, "is a secret in a parameter of type "+values.Text(r.Raw, "type"), "SecureString")
		}
	}
}

// bucket checks a bucket together with the resources that refer to it: S3 keeps
// a bucket's settings in separate resources.
func (s *subject) bucket(b plan.Resource) {
	partner := func(kind string) (plan.Resource, bool) {
		for _, r := range s.byType(kind) {
			if values.Text(r.Raw, "bucket") == b.ID {
				return r, true
			}
		}
		return plan.Resource{}, false
	}
	block, found := partner("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
	for _, key := range blocks {
		if !found || !values.Bool(block.Raw, key) {
			s.add(plan.Error, b.Name, "may be made public ("+key+" is not set)", "a BucketPublicAccessBlock with all four set")
			break
		}
	}
	if acl := values.Text(b.Raw, "acl"); strings.HasPrefix(acl, "public") {
		s.add(plan.Error, b.Name, "has the ACL "+acl+": everybody may read it", "none")
	}
	_, encrypted := partner("aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2")
	if !encrypted && values.At(b.Raw, "serverSideEncryptionConfiguration") == nil {
		s.add(plan.Error, b.Name, "has no encryption setting", "a BucketServerSideEncryptionConfigurationV2")
	}
	if policy, found := partner("aws:s3/bucketPolicy:BucketPolicy"); !found || !strings.Contains(values.Text(policy.Raw, "policy"), "aws:SecureTransport") {
		s.add(plan.Warning, b.Name, "accepts requests without TLS", "a policy that denies them (aws:SecureTransport)")
	}
}
