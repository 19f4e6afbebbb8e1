package dodoks

import (
	"fmt"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/build/image"
)

// registry is the container registry of the service's images.
type registry struct {
	// repository is "host/registry/repository". It is nil if the image exists.
	repository pulumi.StringInput
	// resources are the resources that must exist before the cluster gets access.
	resources []pulumi.Resource
	// login is the content of a docker configuration with read access, or nil.
	login pulumi.StringInput
}

func (d deployment) registry() (registry, error) {
	switch {
	case d.settings.Image != "":
		return registry{}, nil
	case d.settings.Registry != "":
		login, err := d.pullLogin(pulumi.String(d.settings.Registry))
		return registry{repository: pulumi.String(d.lookup.registry + "/" + d.Label(50)), login: login}, err
	}
	// Registry names are unique in all of DigitalOcean.
	unique, err := d.RandomHex("images", 4, nil)
	if err != nil {
		return registry{}, fmt.Errorf("registering the registry's name: %w", err)
	}
	// An account of the smaller tiers has only one registry. So a renamed service
	// keeps the registry and the registry's name.
	name, renamed := d.StableName("images")
	made, err := digitalocean.NewContainerRegistry(d.Ctx, name, &digitalocean.ContainerRegistryArgs{
		Name:                 pulumi.Sprintf("%s-%s", d.Label(50), unique),
		SubscriptionTierSlug: pulumi.String(d.settings.RegistryTier),
	}, d.Options(renamed, pulumi.DeleteBeforeReplace(true), pulumi.IgnoreChanges([]string{"name"}))...)
	if err != nil {
		return registry{}, fmt.Errorf("registering the container registry: %w", err)
	}
	login, err := d.pullLogin(made.Name)
	return registry{
		repository: pulumi.Sprintf("%s/%s", made.Endpoint, d.Label(50)),
		resources:  []pulumi.Resource{made},
		login:      login,
	}, err
}

// pullLogin returns a login with read access to a registry.
//
// The cluster's own registry integration is not enough. It adds a secret to
// each namespace's default service account some time after the namespace is
// made, and the service's pods use another account.
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

// login returns the account's token as user and password, as the registry expects.
// It is used only to push the image, and is not stored.
func (d deployment) login() image.Credentials {
	if d.Request.Image == nil || d.Ctx.DryRun() {
		return image.Credentials{}
	}
	token := pulumi.ToSecret(pulumi.String(d.token())).(pulumi.StringOutput)
	return image.Credentials{Username: token, Password: token}
}
