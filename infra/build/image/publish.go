package image

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Credentials are a login to a registry: Username and Password, or
// DockerConfig. If all are nil, the login that `docker login` stored on this
// computer is used.
type Credentials struct {
	Username, Password pulumi.StringInput
	// DockerConfig is the JSON of a Docker configuration.
	DockerConfig pulumi.StringInput
}

// Publish pushes the image while the stack is updated. It resolves to the
// reference, "repository@sha256:…", once the registry has the image. A preview
// pushes nothing, and resolves as soon as the repository is known.
func Publish(ctx *pulumi.Context, img *Image, repository pulumi.StringInput, credentials Credentials) pulumi.StringOutput {
	if ctx.DryRun() {
		// A preview ignores the login: it may not be known yet, and the
		// reference does not depend on it.
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
			// A failure to show a line of progress is not an error.
			_ = ctx.Log.Info(said, nil)
			return reference, nil
		}).(pulumi.StringOutput)
	// Pulumi marks the reference as secret because the login is an input, but
	// the reference is not secret.
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
