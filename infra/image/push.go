package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Push takes the image to a repository ("host/path") under its digest and its
// Tag. It returns the reference by digest, and whether anything had to be
// uploaded: what the repository has already is not sent again.
func (i *Image) Push(ctx context.Context, repository string, keychain authn.Keychain) (reference string, pushed bool, err error) {
	if reference, err = i.Reference(repository); err != nil {
		return "", false, fmt.Errorf("pushing the image: %w", err)
	}
	digest, err := name.NewDigest(reference)
	if err != nil {
		return "", false, fmt.Errorf("pushing the image: %w", err)
	}
	options, err := remotely(ctx, digest.Repository, keychain)
	if err != nil {
		return "", false, fmt.Errorf("pushing the image to %s: %w", repository, err)
	}
	tag := digest.Context().Tag(i.Tag())
	there, err := i.there(digest.Repository, tag, options)
	if err != nil {
		return "", false, fmt.Errorf("asking %s for the image: %w", repository, explain(digest.Repository, err))
	}
	if there {
		return reference, false, nil
	}
	if err := remote.WriteIndex(tag, i.index, options...); err != nil {
		return "", false, fmt.Errorf("pushing the image to %s: %w", repository, explain(digest.Repository, err))
	}
	return reference, true, nil
}

// there says whether the repository has the index, under its tag, and all that
// is in it.
func (i *Image) there(repository name.Repository, tag name.Tag, options []remote.Option) (bool, error) {
	manifest, err := i.index.IndexManifest()
	if err != nil {
		return false, err
	}
	wanted := []struct {
		ref    name.Reference
		digest v1.Hash
	}{{ref: tag, digest: i.digest}}
	for _, one := range manifest.Manifests {
		wanted = append(wanted, struct {
			ref    name.Reference
			digest v1.Hash
		}{ref: repository.Digest(one.Digest.String()), digest: one.Digest})
	}
	for _, w := range wanted {
		found, err := remote.Head(w.ref, options...)
		if status(err) == http.StatusNotFound {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if found.Digest != w.digest {
			return false, nil
		}
	}
	return true, nil
}

// remotely is how every request to a registry is made. The login is looked up
// here, so that a keychain that cannot be read is not taken for a registry that
// refuses.
func remotely(ctx context.Context, repository name.Repository, keychain authn.Keychain) ([]remote.Option, error) {
	if keychain == nil {
		keychain = DockerKeychain
	}
	login, err := authn.Resolve(ctx, keychain, repository)
	if err != nil {
		return nil, fmt.Errorf("reading the login to %s: %w", repository.RegistryStr(), err)
	}
	return []remote.Option{remote.WithContext(ctx), remote.WithAuth(login), remote.WithUserAgent("escala")}, nil
}

// status is what the registry answered, 0 if it did not.
func status(err error) int {
	var refused *transport.Error
	if errors.As(err, &refused) {
		return refused.StatusCode
	}
	return 0
}

// explain says what to do about a registry's refusal.
func explain(repository name.Repository, err error) error {
	switch status(err) {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%s does not let this login in, or there is none: `docker login %s` as one that may push and pull (on AWS `aws ecr get-login-password | docker login --username AWS --password-stdin %s`, on DigitalOcean `doctl registry login`): %w",
			repository.RegistryStr(), repository.RegistryStr(), repository.RegistryStr(), err)
	case http.StatusNotFound:
		return fmt.Errorf("%s has no repository %s, or not this image: %w", repository.RegistryStr(), repository.RepositoryStr(), err)
	}
	return err
}
