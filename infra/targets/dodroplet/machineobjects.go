package dodroplet

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/cloudinit/agent/store"
	"escala/infra/deploy"
)

// machinesBucket registers the bucket for objects that machines write, such as
// their status. It is not the release bucket, because machines must not be able to
// write releases. A Spaces key permits reading or writing a whole bucket and
// nothing narrower (DigitalOcean's API, "Create a New Spaces Access Key"), and a
// bucket with such a key accepts no policy ("Configure Bucket Policies").
func (d deployment) machinesBucket(region pulumi.StringInput, unique pulumi.StringOutput) (*digitalocean.SpacesBucket, error) {
	bucket, err := digitalocean.NewSpacesBucket(d.Ctx, d.Name("machines"), &digitalocean.SpacesBucketArgs{
		Name:   pulumi.Sprintf("%s%s", deploy.MachinesBucketPrefix(d.Ctx.Project(), d.Ctx.Stack()), unique),
		Region: region,
		Acl:    pulumi.String("private"),
		// The bucket can be deleted, because machines write their status again.
		ForceDestroy: pulumi.Bool(true),
	}, d.Options(
		// Otherwise the provider would delete a bucket with a given name before it
		// makes the replacement.
		pulumi.DeleteBeforeReplace(false),
	)...)
	if err != nil {
		return nil, fmt.Errorf("registering the machines' bucket: %w", err)
	}
	return bucket, nil
}

// grants returns the permissions of the machine's key: it reads releases and writes
// machines' objects. The grants are sorted by the buckets' names.
func grants(releases, machines *digitalocean.SpacesBucket) digitalocean.SpacesKeyGrantArray {
	return digitalocean.SpacesKeyGrantArray{
		&digitalocean.SpacesKeyGrantArgs{Bucket: machines.Name, Permission: pulumi.String("readwrite")},
		&digitalocean.SpacesKeyGrantArgs{Bucket: releases.Name, Permission: pulumi.String("read")},
	}
}

// storedStatus returns the status that the machine wrote to the machines'
// bucket. It reads with the stack's own credentials. The provider reads only
// the content of objects of type application/json.
func (d deployment) storedStatus(region string) func(context.Context, string, string) (string, error) {
	return func(_ context.Context, bucket, id string) (string, error) {
		object, err := digitalocean.LookupSpacesBucketObject(d.Ctx, &digitalocean.LookupSpacesBucketObjectArgs{
			Bucket: bucket, Region: region, Key: store.MachineKey(id, store.StatusName),
		}, pulumi.Provider(d.Provider))
		if err != nil {
			return "", fmt.Errorf("reading the machine's status in its bucket: %w", err)
		}
		return object.Body, nil
	}
}
