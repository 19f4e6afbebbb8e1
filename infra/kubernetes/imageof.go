package kubernetes

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/image"
	"escala/infra/target"
)

// ImageOf is the reference of the release's image: in the repository that it is
// pushed to while the stack is updated, or of the image that exists. repository
// is "host/path"; it may be nil with WorkloadSettings.Image.
func ImageOf(ctx *pulumi.Context, r target.Request, s WorkloadSettings, repository pulumi.StringInput, credentials image.Credentials) (pulumi.StringOutput, error) {
	return image.Publish(ctx, r.Image, repository, credentials), nil
}
