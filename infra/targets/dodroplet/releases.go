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

// releaseStore contains the bucket from which the machine fetches releases.
type releaseStore struct {
	bucket *digitalocean.SpacesBucket
	// machines is the bucket that machines write to.
	machines *digitalocean.SpacesBucket
	// key can read bucket and write machines, and nothing else.
	key *digitalocean.SpacesKey
	// agent is the machine's own program.
	agent *digitalocean.SpacesBucketObject
	// pointer is the object that names the current release.
	pointer *digitalocean.SpacesBucketObject
	// unique distinguishes this stack's names from those of another clone.
	unique pulumi.StringOutput
}

func (d deployment) releases() (releaseStore, error) {
	none := releaseStore{}
	// Another region needs another bucket with another name, because Spaces reserves
	// the name of a deleted bucket for days.
	unique, err := d.RandomHex("releases", 8, map[string]string{"region": d.settings.spacesRegion()})
	if err != nil {
		return none, fmt.Errorf("registering the release bucket's name: %w", err)
	}
	region := pulumi.String(d.settings.spacesRegion())
	bucket, err := digitalocean.NewSpacesBucket(d.Ctx, d.Name("releases"), &digitalocean.SpacesBucketArgs{
		Name:       pulumi.Sprintf("%s%s", deploy.BucketPrefix(d.Ctx.Project(), d.Ctx.Stack()), unique),
		Region:     region,
		Acl:        pulumi.String("private"),
		Versioning: &digitalocean.SpacesBucketVersioningArgs{Enabled: pulumi.Bool(true)},
		// Releases are built from source, so a destroy may delete the bucket.
		ForceDestroy:   pulumi.Bool(true),
		LifecycleRules: d.lifecycle(),
	}, d.Options(
		// Otherwise the provider would delete a bucket with a given name before it
		// makes the replacement, and with the bucket the machine and its address.
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
	// A machine downloads the agent once. The previous object stays until the update
	// is over.
	agentETag, err := fileETag(d.Request.Agent.Path)
	if err != nil {
		return none, fmt.Errorf("reading the machine's agent: %w", err)
	}
	agent, err := digitalocean.NewSpacesBucketObject(d.Ctx, d.Name("agent"), &digitalocean.SpacesBucketObjectArgs{
		Bucket:      bucket.Name,
		Region:      region,
		Key:         pulumi.String(cloudinit.AgentKey(d.Request.Agent.ID)),
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
		// The binary stays in the bucket when the program registers another release,
		// because a rollback needs it. The bucket's lifecycle rules remove the oldest
		// ones. The key identifies the content, so the path of the upload does not
		// matter.
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
		Content:      pulumi.String(d.Request.Wanted().Pointer()),
		Etag:         pulumi.String(etag([]byte(d.Request.Wanted().Pointer()))),
		ContentType:  pulumi.String("text/plain"),
		CacheControl: pulumi.String("no-store"),
		Acl:          pulumi.String("private"),
	}, pointing...)
	if err != nil {
		return none, fmt.Errorf("registering the release pointer: %w", err)
	}
	return releaseStore{bucket: bucket, machines: machines, key: key, agent: agent, pointer: pointer, unique: unique}, nil
}

// etag returns the entity tag that Spaces gives an object uploaded in one piece:
// its MD5. The provider compares nothing else of an object's content. Without the
// tag, a refresh does not detect an object that was overwritten or damaged.
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

// supersededDays is the number of days that a superseded version of an object
// stays.
const supersededDays = 30

// lifecycle returns rules that remove superseded versions, interrupted uploads,
// and releases that are too old for a rollback. Spaces counts days and not
// releases, so each of those releases has its own rule. The rules are ordered
// by id, because Spaces returns them in that order and the provider compares
// lists.
func (d deployment) lifecycle() digitalocean.SpacesBucketLifecycleRuleArray {
	rules := digitalocean.SpacesBucketLifecycleRuleArray{&digitalocean.SpacesBucketLifecycleRuleArgs{
		// This id sorts before those of releases.
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
