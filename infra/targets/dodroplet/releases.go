package dodroplet

import (
	"crypto/md5" //nolint:gosec // see etag
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/cloudinit"
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
	// agent is the machine's own program.
	agent *digitalocean.SpacesBucketObject
	// pointer is the object that names the current release.
	pointer *digitalocean.SpacesBucketObject
	// unique is what tells this stack's names from those of another clone.
	unique pulumi.StringOutput
}

func (d deployment) releases() (releaseStore, error) {
	none := releaseStore{}
	// Another region is another bucket, which needs another name: Spaces keeps the
	// name of a bucket that was deleted for days.
	unique, err := d.RandomHexFor("releases", 8, map[string]string{"region": d.settings.spacesRegion()})
	if err != nil {
		return none, fmt.Errorf("registering the release bucket's name: %w", err)
	}
	region := pulumi.String(d.settings.spacesRegion())
	bucket, err := digitalocean.NewSpacesBucket(d.Ctx, d.Name("releases"), &digitalocean.SpacesBucketArgs{
		Name:       pulumi.Sprintf("%s%s", deploy.BucketPrefix(d.Ctx.Project(), d.Ctx.Stack()), unique),
		Region:     region,
		Acl:        pulumi.String("private"),
		Versioning: &digitalocean.SpacesBucketVersioningArgs{Enabled: pulumi.Bool(true)},
		// Releases are built from source: nothing in it is worth keeping when
		// the stack goes.
		ForceDestroy:   pulumi.Bool(true),
		LifecycleRules: d.lifecycle(),
	}, d.Options(
		// The provider would delete a bucket whose name is given before it makes
		// another one, and with it the machine and its address.
		pulumi.DeleteBeforeReplace(false),
	)...)
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
	// A machine fetches it once. The one before stays until the update is over.
	agentETag, err := fileETag(d.Request.Agent.Path)
	if err != nil {
		return none, fmt.Errorf("reading the machine's agent: %w", err)
	}
	agent, err := digitalocean.NewSpacesBucketObject(d.Ctx, d.Name("agent"), &digitalocean.SpacesBucketObjectArgs{
		Bucket:      bucket.Name,
		Region:      region,
		Key:         pulumi.String(cloudinit.AgentKey(service.ReleaseID(d.Request.Agent.SHA256))),
		Source:      pulumi.String(d.Request.Agent.Path),
		Etag:        pulumi.String(agentETag),
		ContentType: pulumi.String("application/octet-stream"),
		Acl:         pulumi.String("private"),
	}, d.Options(pulumi.IgnoreChanges([]string{"source"}))...)
	if err != nil {
		return none, fmt.Errorf("registering the machine's agent: %w", err)
	}
	pointing := d.Options()
	if d.Request.Release.Path != "" {
		// The binary stays when another release takes its place in the program:
		// it is what a rollback goes back to. The bucket's lifecycle removes the
		// oldest ones. The key says what it holds, so where it was uploaded from
		// does not matter.
		etag, err := fileETag(d.Request.Release.Path)
		if err != nil {
			return none, fmt.Errorf("reading the release: %w", err)
		}
		release, err := digitalocean.NewSpacesBucketObject(d.Ctx, d.Name("release-"+d.Request.Release.Short()), &digitalocean.SpacesBucketObjectArgs{
			Bucket:      bucket.Name,
			Region:      region,
			Key:         pulumi.String(d.Request.Release.Key()),
			Source:      pulumi.String(d.Request.Release.Path),
			Etag:        pulumi.String(etag),
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
		Etag:         pulumi.String(etag([]byte(d.Request.Release.Pointer()))),
		ContentType:  pulumi.String("text/plain"),
		CacheControl: pulumi.String("no-store"),
		Acl:          pulumi.String("private"),
	}, pointing...)
	if err != nil {
		return none, fmt.Errorf("registering the release pointer: %w", err)
	}
	return releaseStore{bucket: bucket, machines: machines, key: key, agent: agent, pointer: pointer, unique: unique}, nil
}

// etag is what Spaces has as the entity tag of an object that was uploaded in one
// piece: its MD5. The provider compares nothing else of an object's content, so
// without it refresh finds no object that was overwritten or damaged.
func etag(content []byte) string {
	sum := md5.Sum(content) //nolint:gosec // it is the store's checksum, and the machine verifies a SHA-256
	return hex.EncodeToString(sum[:])
}

func fileETag(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return etag(content), nil
}

// supersededDays is how long a version of an object stays once it is not the
// current one.
const supersededDays = 30

// lifecycle removes superseded versions, uploads that broke off, and the
// releases that are too old to go back to. Spaces counts days and not releases,
// so those are named one by one. Spaces returns rules in the order of their ids,
// and the provider compares a list.
func (d deployment) lifecycle() digitalocean.SpacesBucketLifecycleRuleArray {
	rules := digitalocean.SpacesBucketLifecycleRuleArray{&digitalocean.SpacesBucketLifecycleRuleArgs{
		// Its id comes before those of releases.
		Id:                                 pulumi.String("all-superseded"),
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
	slices.SortFunc(rules[1:], func(a, b digitalocean.SpacesBucketLifecycleRuleInput) int {
		return strings.Compare(ruleID(a), ruleID(b))
	})
	return rules
}

func ruleID(rule digitalocean.SpacesBucketLifecycleRuleInput) string {
	return string(rule.(*digitalocean.SpacesBucketLifecycleRuleArgs).Id.(pulumi.String))
}
