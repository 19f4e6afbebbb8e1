package kubernetes

import (
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/build/image"
	"escala/infra/deploy"
)

// ImageOf returns the reference of the release's image. It is the existing image,
// or the image in the repository that the update pushes to. repository is
// "host/path"; it may be nil if WorkloadSettings.Image is set.
func ImageOf(ctx *pulumi.Context, r deploy.Request, s WorkloadSettings, repository pulumi.StringInput, credentials image.Credentials) (pulumi.StringOutput, error) {
	if s.Image != "" {
		existing, err := name.NewDigest(s.Image)
		if err != nil {
			return pulumi.StringOutput{}, fmt.Errorf("reading the name of the image: %w", err)
		}
		// An earlier release is in the same repository as the current one.
		return pulumi.String(r.Release.ID.Image(existing.Context().Name())).ToStringOutput(), nil
	}
	if repository == nil {
		return pulumi.StringOutput{}, errors.New("there is no registry to push the image to")
	}
	if r.Image == nil {
		return repository.ToStringOutput().ApplyT(func(repository string) (string, error) {
			named, err := name.NewRepository(repository)
			if err != nil {
				return "", fmt.Errorf("%q is not a repository (host/path): %w", repository, err)
			}
			return r.Release.ID.Image(named.Name()), nil
		}).(pulumi.StringOutput), nil
	}
	return image.Publish(ctx, r.Image, repository, credentials), nil
}
