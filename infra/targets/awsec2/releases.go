package awsec2

import (
	"crypto/md5" //nolint:gosec // S3's ETag is MD5
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/cloudinit"
	"escala/infra/deploy"
	"escala/infra/deploy/iampolicy"
	"escala/service"
)

// releaseStore is the bucket that the machine reads releases from.
type releaseStore struct {
	bucket *s3.BucketV2
	// agent is the machine's own program.
	agent *s3.BucketObjectv2
	// pointer is the object that names the current release.
	pointer *s3.BucketObjectv2
}

func (d deployment) releases(unique pulumi.StringOutput) (releaseStore, error) {
	none := releaseStore{}
	bucket, err := d.bucket(unique)
	if err != nil {
		return none, err
	}
	// A machine downloads the agent once. The previous object stays until the
	// update is over.
	agent, err := s3.NewBucketObjectv2(d.Ctx, d.Name("agent"), &s3.BucketObjectv2Args{
		Bucket:      bucket.ID(),
		Key:         pulumi.String(cloudinit.AgentKey(d.Request.Agent.ID)),
		Source:      pulumi.NewFileAsset(d.Request.Agent.Path),
		ContentType: pulumi.String("application/octet-stream"),

		OverrideProvider: untagged(),
	}, d.Options()...)
	if err != nil {
		return none, fmt.Errorf("registering the machine's agent: %w", err)
	}
	pointing := d.Options()
	if d.Request.Release.Path != "" {
		// The binary stays in the bucket when the program registers another
		// release, because a rollback needs it. The bucket's lifecycle rules
		// remove the oldest ones.
		release, err := s3.NewBucketObjectv2(d.Ctx, d.Name("release-"+d.Request.Release.Short()), &s3.BucketObjectv2Args{
			Bucket:      bucket.ID(),
			Key:         pulumi.String(d.Request.Release.Key()),
			Source:      pulumi.NewFileAsset(d.Request.Release.Path),
			ContentType: pulumi.String("application/octet-stream"),

			OverrideProvider: untagged(),
		}, d.Options(pulumi.RetainOnDelete(true))...)
		if err != nil {
			return none, fmt.Errorf("registering the release: %w", err)
		}
		pointing = append(pointing, pulumi.DependsOn([]pulumi.Resource{release}))
	}
	pointer, err := s3.NewBucketObjectv2(d.Ctx, d.Name("current"), &s3.BucketObjectv2Args{
		Bucket:       bucket.ID(),
		Key:          pulumi.String(service.PointerKey),
		Content:      pulumi.String(d.Request.Wanted().Pointer()),
		ContentType:  pulumi.String("text/plain"),
		CacheControl: pulumi.String("no-store"),
		// With the ETag, a refresh detects a pointer that was overwritten
		// outside of Pulumi.
		Etag: pulumi.String(fmt.Sprintf("%x", md5.Sum([]byte(d.Request.Wanted().Pointer())))), //nolint:gosec // S3's ETag is MD5

		OverrideProvider: untagged(),
	}, pointing...)
	if err != nil {
		return none, fmt.Errorf("registering the release pointer: %w", err)
	}
	return releaseStore{bucket: bucket, agent: agent, pointer: pointer}, nil
}

// untagged removes the stack's tags from an object. An object can have at most ten
// tags, and the user's and the stack's tags together may be more. The bucket has
// the tags.
func untagged() s3.BucketObjectv2OverrideProviderPtrInput {
	return &s3.BucketObjectv2OverrideProviderArgs{
		DefaultTags: &s3.BucketObjectv2OverrideProviderDefaultTagsArgs{Tags: pulumi.StringMap{}},
	}
}

// bucket registers a private, versioned, encrypted bucket that accepts only
// TLS.
func (d deployment) bucket(unique pulumi.StringOutput) (*s3.BucketV2, error) {
	bucket, err := s3.NewBucketV2(d.Ctx, d.Name("releases"), &s3.BucketV2Args{
		Bucket: pulumi.Sprintf("%s%s", deploy.BucketPrefix(d.Ctx.Project(), d.Ctx.Stack()), unique),
		// Releases are built from source, so nothing in the bucket is worth
		// keeping after a destroy.
		ForceDestroy: pulumi.Bool(true),
		// The bucket is replaced only for another region, and then its name differs
		// too.
	}, d.Options(pulumi.DeleteBeforeReplace(false))...)
	if err != nil {
		return nil, fmt.Errorf("registering the release bucket: %w", err)
	}
	yes := pulumi.Bool(true)
	if _, err := s3.NewBucketPublicAccessBlock(d.Ctx, d.Name("releases"), &s3.BucketPublicAccessBlockArgs{
		Bucket:          bucket.ID(),
		BlockPublicAcls: yes, BlockPublicPolicy: yes, IgnorePublicAcls: yes, RestrictPublicBuckets: yes,
	}, d.Options()...); err != nil {
		return nil, fmt.Errorf("registering the release bucket's privacy: %w", err)
	}
	versioning, err := s3.NewBucketVersioningV2(d.Ctx, d.Name("releases"), &s3.BucketVersioningV2Args{
		Bucket:                  bucket.ID(),
		VersioningConfiguration: &s3.BucketVersioningV2VersioningConfigurationArgs{Status: pulumi.String("Enabled")},
	}, d.Options()...)
	if err != nil {
		return nil, fmt.Errorf("registering the release bucket's versioning: %w", err)
	}
	if _, err := s3.NewBucketServerSideEncryptionConfigurationV2(d.Ctx, d.Name("releases"), &s3.BucketServerSideEncryptionConfigurationV2Args{
		Bucket: bucket.ID(),
		Rules: s3.BucketServerSideEncryptionConfigurationV2RuleArray{&s3.BucketServerSideEncryptionConfigurationV2RuleArgs{
			ApplyServerSideEncryptionByDefault: &s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs{
				SseAlgorithm: pulumi.String("AES256"),
			},
		}},
	}, d.Options()...); err != nil {
		return nil, fmt.Errorf("registering the release bucket's encryption: %w", err)
	}
	if _, err := s3.NewBucketPolicy(d.Ctx, d.Name("releases"), &s3.BucketPolicyArgs{
		Bucket: bucket.ID(),
		Policy: bucket.Arn.ApplyT(tlsOnly).(pulumi.StringOutput),
	}, d.Options()...); err != nil {
		return nil, fmt.Errorf("registering the release bucket's policy: %w", err)
	}
	// The lifecycle rules apply to noncurrent versions, so they need versioning.
	if _, err := s3.NewBucketLifecycleConfigurationV2(d.Ctx, d.Name("releases"), &s3.BucketLifecycleConfigurationV2Args{
		Bucket: bucket.ID(),
		Rules:  d.lifecycle(),
	}, d.Options(pulumi.DependsOn([]pulumi.Resource{versioning}))...); err != nil {
		return nil, fmt.Errorf("registering the release bucket's lifecycle: %w", err)
	}
	return bucket, nil
}

// tlsOnly returns the bucket policy that denies requests without TLS.
func tlsOnly(arn string) (string, error) {
	return iampolicy.Document(iampolicy.Statement{
		Sid:       "OnlyTLS",
		Effect:    "Deny",
		Principal: "*",
		Action:    []string{"s3:*"},
		Resource:  []string{arn, arn + "/*"},
		Condition: map[string]map[string]string{"Bool": {"aws:SecureTransport": "false"}},
	})
}

// supersededDays is the number of days that a noncurrent version of an object
// is kept.
const supersededDays = 30

// lifecycle returns rules that remove superseded versions, incomplete uploads,
// and releases that are too old for a rollback. S3 counts days and not
// releases, so each old release has a rule of its own.
func (d deployment) lifecycle() s3.BucketLifecycleConfigurationV2RuleArray {
	rules := s3.BucketLifecycleConfigurationV2RuleArray{&s3.BucketLifecycleConfigurationV2RuleArgs{
		Id:     pulumi.String("superseded"),
		Status: pulumi.String("Enabled"),
		Filter: &s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String("")},
		NoncurrentVersionExpiration: &s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{
			NoncurrentDays: pulumi.Int(supersededDays),
		},
		AbortIncompleteMultipartUpload: &s3.BucketLifecycleConfigurationV2RuleAbortIncompleteMultipartUploadArgs{
			DaysAfterInitiation: pulumi.Int(1),
		},
	}, machineObjectsRule()}
	for _, old := range d.Request.Expired {
		rules = append(rules, &s3.BucketLifecycleConfigurationV2RuleArgs{
			Id:         pulumi.String("release-" + old.Short()),
			Status:     pulumi.String("Enabled"),
			Filter:     &s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String(old.Key())},
			Expiration: &s3.BucketLifecycleConfigurationV2RuleExpirationArgs{Days: pulumi.Int(1)},
		})
	}
	return rules
}
