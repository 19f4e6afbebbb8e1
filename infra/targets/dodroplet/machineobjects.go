package dodroplet

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/cloudinit/agent/store"
	"escala/infra/deploy"
)

// machinesBucket is where machines write their own objects, such as their status.
// It is not the release bucket: a Spaces key is granted the reading or the writing
// of a bucket and of nothing narrower (DigitalOcean's API, "Create a New Spaces
// Access Key"), a bucket that such a key is for takes no policy ("Configure Bucket
// Policies"), and a machine must not be able to write releases.
func (d deployment) machinesBucket(region pulumi.StringInput, unique pulumi.StringOutput) (*digitalocean.SpacesBucket, error) {
	bucket, err := digitalocean.NewSpacesBucket(d.Ctx, d.Name("machines"), &digitalocean.SpacesBucketArgs{
		Name:   pulumi.Sprintf("%s%s", deploy.MachinesBucketPrefix(d.Ctx.Project(), d.Ctx.Stack()), unique),
		Region: region,
		Acl:    pulumi.String("private"),
		// A machine writes its status again.
		ForceDestroy: pulumi.Bool(true),
	}, d.Options(
		// The provider would delete a bucket whose name is given before it makes
		// another one.
		pulumi.DeleteBeforeReplace(false),
	)...)
	if err != nil {
		return nil, fmt.Errorf("registering the machines' bucket: %w", err)
	}
	return bucket, nil
}

// grants are what the machine's key may do: read releases, and write what
// machines have to say. They are in the order of the buckets' names.
func grants(releases, machines *digitalocean.SpacesBucket) digitalocean.SpacesKeyGrantArray {
	return digitalocean.SpacesKeyGrantArray{
		&digitalocean.SpacesKeyGrantArgs{Bucket: machines.Name, Permission: pulumi.String("readwrite")},
		&digitalocean.SpacesKeyGrantArgs{Bucket: releases.Name, Permission: pulumi.String("read")},
	}
}

// storedStatus is what the machine wrote about itself to the machines' bucket,
// read with the stack's own credentials. The provider reads the content of an
// object whose type is application/json.
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
