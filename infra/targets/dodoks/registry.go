package dodoks

import (
	"fmt"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/build/image"
)

// registry is where the service's images are.
type registry struct {
	// repository is "host/registry/repository"; nil with an image that exists.
	repository pulumi.StringInput
	// made is what has to be there before the cluster is given access to it.
	made []pulumi.Resource
	// integrated says that nodes may pull from the account's registry.
	integrated bool
}

func (d deployment) registry() (registry, error) {
	switch {
	case d.settings.Image != "":
		return registry{}, nil
	case d.settings.Registry != "":
		return registry{
			repository: pulumi.String(d.found.registry + "/" + d.Label(50)),
			integrated: true,
		}, nil
	}
	// Registries have one name each in all of DigitalOcean.
	unique, err := d.RandomHex("images", 4)
	if err != nil {
		return registry{}, fmt.Errorf("registering the registry's name: %w", err)
	}
	made, err := digitalocean.NewContainerRegistry(d.Ctx, d.Name("images"), &digitalocean.ContainerRegistryArgs{
		Name:                 pulumi.Sprintf("%s-%s", d.Label(50), unique),
		SubscriptionTierSlug: pulumi.String(d.settings.RegistryTier),
	}, d.Options(pulumi.DeleteBeforeReplace(true))...)
	if err != nil {
		return registry{}, fmt.Errorf("registering the container registry: %w", err)
	}
	return registry{
		repository: pulumi.Sprintf("%s/%s", made.Endpoint, d.Label(50)),
		made:       []pulumi.Resource{made},
		integrated: true,
	}, nil
}

// login is one to the account's registry, which takes the account's token as
// user and as password. It is used while the image is pushed, and kept nowhere;
// credentials of their own would be a resource whose secret ends in the state
// after a while.
func (d deployment) login() image.Credentials {
	if d.Request.Image == nil || d.Ctx.DryRun() {
		return image.Credentials{}
	}
	token := pulumi.ToSecret(pulumi.String(d.token())).(pulumi.StringOutput)
	return image.Credentials{Username: token, Password: token}
}
