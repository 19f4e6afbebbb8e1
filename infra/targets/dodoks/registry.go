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
	// login is the content of a docker configuration that may pull, or nil.
	login pulumi.StringInput
}

func (d deployment) registry() (registry, error) {
	switch {
	case d.settings.Image != "":
		return registry{}, nil
	case d.settings.Registry != "":
		login, err := d.pullLogin(pulumi.String(d.settings.Registry))
		return registry{repository: pulumi.String(d.found.registry + "/" + d.Label(50)), login: login}, err
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
	login, err := d.pullLogin(made.Name)
	return registry{
		repository: pulumi.Sprintf("%s/%s", made.Endpoint, d.Label(50)),
		made:       []pulumi.Resource{made},
		login:      login,
	}, err
}

// pullLogin is a login to a registry that may pull and nothing else.
//
// The cluster's own integration with the registry would not do: it gives a
// secret to each namespace's default service account some time after the
// namespace was made, and the service's pods have an account of their own.
func (d deployment) pullLogin(registry pulumi.StringInput) (pulumi.StringInput, error) {
	login, err := digitalocean.NewContainerRegistryDockerCredentials(d.Ctx, d.Name("images"), &digitalocean.ContainerRegistryDockerCredentialsArgs{
		RegistryName: registry,
		Write:        pulumi.Bool(false),
	}, d.Options()...)
	if err != nil {
		return nil, fmt.Errorf("registering the login to the container registry: %w", err)
	}
	return login.DockerCredentials, nil
}

// login is one to the account's registry, which takes the account's token as
// user and as password. It is used while the image is pushed, and kept nowhere.
func (d deployment) login() image.Credentials {
	if d.Request.Image == nil || d.Ctx.DryRun() {
		return image.Credentials{}
	}
	token := pulumi.ToSecret(pulumi.String(d.token())).(pulumi.StringOutput)
	return image.Credentials{Username: token, Password: token}
}
