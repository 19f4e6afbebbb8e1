package image

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Credentials are how to log in to a registry: Username and Password, or
// DockerConfig, or nothing, which is what `docker login` left on this computer.
type Credentials struct {
	Username, Password pulumi.StringInput
	// DockerConfig is the JSON of a Docker configuration.
	DockerConfig pulumi.StringInput
}

// Publish pushes the image while the stack is updated, and resolves to its
// reference, "repository@sha256:…", once the registry has it. During a preview
// nothing is pushed, and the reference is known as soon as the repository is.
func Publish(ctx *pulumi.Context, img *Image, repository pulumi.StringInput, credentials Credentials) pulumi.StringOutput {
	if ctx.DryRun() {
		// The login is left out: it may not be known yet, and the reference does
		// not depend on it.
		return repository.ToStringOutput().ApplyT(img.Reference).(pulumi.StringOutput)
	}
	orNone := func(s pulumi.StringInput) pulumi.StringInput {
		if s == nil {
			return pulumi.String("")
		}
		return s
	}
	published := pulumi.All(repository, orNone(credentials.Username), orNone(credentials.Password), orNone(credentials.DockerConfig)).
		ApplyTWithContext(ctx.Context(), func(push context.Context, v []any) (string, error) {
			repository := v[0].(string)
			keychain, err := keychainOf(repository, v[1].(string), v[2].(string), v[3].(string))
			if err != nil {
				return "", fmt.Errorf("logging in to push the image: %w", err)
			}
			reference, pushed, err := img.Push(push, repository, keychain)
			if err != nil {
				return "", err
			}
			said := "image " + reference + " is there already"
			if pushed {
				said = "pushed image " + reference
			}
			// A line of progress that cannot be shown is no reason to fail.
			_ = ctx.Log.Info(said, nil)
			return reference, nil
		}).(pulumi.StringOutput)
	// The reference is made of the login, as Pulumi sees it, but is no secret.
	return pulumi.Unsecret(published).(pulumi.StringOutput)
}

func keychainOf(repository, username, password, config string) (authn.Keychain, error) {
	switch {
	case config != "":
		return DockerConfig(config)
	case username != "" || password != "":
		return Login(repository, username, password)
	default:
		return DockerKeychain, nil
	}
}
