package dodroplet

import (
	"fmt"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
	"escala/service"
)

// releaseStore is the bucket that the machine follows.
type releaseStore struct {
	bucket *digitalocean.SpacesBucket
	// machines is the bucket that machines write to.
	machines *digitalocean.SpacesBucket
	// key can read the one and write the other, and nothing else.
	key *digitalocean.SpacesKey
	// pointer is the object that names the current release.
	pointer *digitalocean.SpacesBucketObject
}

func (d deployment) releases() (releaseStore, error) {
	none := releaseStore{}
	unique, err := d.RandomHex("releases", 8)
	if err != nil {
		return none, fmt.Errorf("registering the release bucket's name: %w", err)
	}
	region := pulumi.String(d.settings.Region)
	bucket, err := digitalocean.NewSpacesBucket(d.Ctx, d.Name("releases"), &digitalocean.SpacesBucketArgs{
		Name:       pulumi.Sprintf("%s%s", deploy.BucketPrefix(d.Ctx.Project(), d.Ctx.Stack()), unique),
		Region:     region,
		Acl:        pulumi.String("private"),
		Versioning: &digitalocean.SpacesBucketVersioningArgs{Enabled: pulumi.Bool(true)},
		// Releases are built from source: nothing in it is worth keeping when
		// the stack goes.
		ForceDestroy:   pulumi.Bool(true),
		LifecycleRules: d.lifecycle(),
	}, d.Options()...)
	if err != nil {
		return none, fmt.Errorf("registering the release bucket: %w", err)
	}
	machines, err := d.machinesBucket(region, unique)
	if err != nil {
		return none, err
	}
	key, err := digitalocean.NewSpacesKey(d.Ctx, d.Name("machine"), &digitalocean.SpacesKeyArgs{
		Grants: grants(bucket, machines),
	}, d.Options()...)
	if err != nil {
		return none, fmt.Errorf("registering the machine's key to its buckets: %w", err)
	}
	pointing := d.Options()
	if d.Request.Release.Path != "" {
		// The binary stays when another release takes its place in the program:
		// it is what a rollback goes back to. The bucket's lifecycle removes the
		// oldest ones. The key says what it holds, so where it was uploaded from
		// does not matter.
		release, err := digitalocean.NewSpacesBucketObject(d.Ctx, d.Name("release-"+d.Request.Release.Short()), &digitalocean.SpacesBucketObjectArgs{
			Bucket:      bucket.Name,
			Region:      region,
			Key:         pulumi.String(d.Request.Release.Key()),
			Source:      pulumi.String(d.Request.Release.Path),
			ContentType: pulumi.String("application/octet-stream"),
			Acl:         pulumi.String("private"),
		}, d.Options(pulumi.RetainOnDelete(true), pulumi.IgnoreChanges([]string{"source"}))...)
		if err != nil {
			return none, fmt.Errorf("registering the release: %w", err)
		}
		pointing = append(pointing, pulumi.DependsOn([]pulumi.Resource{release}))
	}
	pointer, err := digitalocean.NewSpacesBucketObject(d.Ctx, d.Name("current"), &digitalocean.SpacesBucketObjectArgs{
		Bucket:       bucket.Name,
		Region:       region,
		Key:          pulumi.String(service.PointerKey),
		Content:      pulumi.String(d.Request.Release.Pointer()),
		ContentType:  pulumi.String("text/plain"),
		CacheControl: pulumi.String("no-store"),
		Acl:          pulumi.String("private"),
	}, pointing...)
	if err != nil {
		return none, fmt.Errorf("registering the release pointer: %w", err)
	}
	return releaseStore{bucket: bucket, machines: machines, key: key, pointer: pointer}, nil
}

// supersededDays is how long a version of an object stays once it is not the
// current one.
const supersededDays = 30

// lifecycle removes superseded versions, uploads that broke off, and the
// releases that are too old to go back to. Spaces counts days and not releases,
// so those are named one by one.
func (d deployment) lifecycle() digitalocean.SpacesBucketLifecycleRuleArray {
	rules := digitalocean.SpacesBucketLifecycleRuleArray{&digitalocean.SpacesBucketLifecycleRuleArgs{
		Id:                                 pulumi.String("superseded"),
		Enabled:                            pulumi.Bool(true),
		AbortIncompleteMultipartUploadDays: pulumi.Int(1),
		NoncurrentVersionExpiration: &digitalocean.SpacesBucketLifecycleRuleNoncurrentVersionExpirationArgs{
			Days: pulumi.Int(supersededDays),
		},
	}}
	for _, old := range d.Request.Expired {
		rules = append(rules, &digitalocean.SpacesBucketLifecycleRuleArgs{
			Id:         pulumi.String("release-" + old.Short()),
			Enabled:    pulumi.Bool(true),
			Prefix:     pulumi.String(old.Key()),
			Expiration: &digitalocean.SpacesBucketLifecycleRuleExpirationArgs{Days: pulumi.Int(1)},
		})
	}
	return rules
}
