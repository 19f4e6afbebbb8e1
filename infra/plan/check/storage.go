package check

import (
	"context"
	"strings"

	"escala/infra/plan"
)

// blocks lists the four settings that together prevent public access to an S3
// bucket.
var blocks = []string{"blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"}

// storage finds storage that is not encrypted or that everybody can read.
func storage(_ context.Context, s *subject) {
	for _, kind := range []string{"aws:s3/bucketV2:BucketV2", "aws:s3/bucket:Bucket"} {
		for _, bucket := range s.byType(kind) {
			s.bucket(bucket)
		}
	}
	for _, kind := range []string{"digitalocean:index/spacesBucket:SpacesBucket", "digitalocean:index/spacesBucketObject:SpacesBucketObject"} {
		for _, r := range s.byType(kind) {
			if acl := text(r.Raw, "acl"); strings.HasPrefix(acl, "public") {
				s.add(plan.Error, r.Name, "has the ACL "+acl+": everybody may read it", "private")
			}
		}
	}
	for _, r := range s.byType("aws:s3/bucketObjectv2:BucketObjectv2") {
		if acl := text(r.Raw, "acl"); strings.HasPrefix(acl, "public") {
			s.add(plan.Error, r.Name, "has the ACL "+acl+": everybody may read it", "private")
		}
	}
	for _, r := range s.byType("aws:ec2/instance:Instance") {
		if !truth(r.Raw, "rootBlockDevice", "encrypted") {
			s.add(plan.Error, r.Name+".rootBlockDevice", "is not encrypted", "encrypted: true")
		}
		for _, device := range list(r.Raw, "ebsBlockDevices") {
			if !truth(device, "encrypted") {
				s.add(plan.Error, r.Name+".ebsBlockDevices "+text(device, "deviceName"), "is not encrypted", "encrypted: true")
			}
		}
	}
	for _, r := range s.byType("aws:ebs/volume:Volume") {
		if !truth(r.Raw, "encrypted") {
			s.add(plan.Error, r.Name, "is not encrypted", "encrypted: true")
		}
	}
	for _, r := range s.byType("aws:ssm/parameter:Parameter") {
		if r.Secret["value"] && text(r.Raw, "type") != "SecureString" {
			s.add(plan.Error, r.Name, "is a secret in a parameter of type "+text(r.Raw, "type"), "SecureString")
		}
	}
}

// bucket checks a bucket together with the resources that refer to it: S3 keeps
// a bucket's settings in separate resources.
func (s *subject) bucket(b plan.Resource) {
	beside := func(kind string) (plan.Resource, bool) {
		for _, r := range s.byType(kind) {
			if text(r.Raw, "bucket") == b.ID {
				return r, true
			}
		}
		return plan.Resource{}, false
	}
	block, there := beside("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
	for _, key := range blocks {
		if !there || !truth(block.Raw, key) {
			s.add(plan.Error, b.Name, "may be made public ("+key+" is not set)", "a BucketPublicAccessBlock with all four set")
			break
		}
	}
	if acl := text(b.Raw, "acl"); strings.HasPrefix(acl, "public") {
		s.add(plan.Error, b.Name, "has the ACL "+acl+": everybody may read it", "none")
	}
	_, encrypted := beside("aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2")
	if !encrypted && at(b.Raw, "serverSideEncryptionConfiguration") == nil {
		s.add(plan.Error, b.Name, "has no encryption setting", "a BucketServerSideEncryptionConfigurationV2")
	}
	if policy, there := beside("aws:s3/bucketPolicy:BucketPolicy"); !there || !strings.Contains(text(policy.Raw, "policy"), "aws:SecureTransport") {
		s.add(plan.Warning, b.Name, "accepts requests without TLS", "a policy that denies them (aws:SecureTransport)")
	}
}
