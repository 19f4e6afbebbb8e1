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

// Push uploads the image to a repository ("host/path") under its digest and its
// Tag. It returns the reference by digest, and whether anything was uploaded:
// it does not send what the repository already has.
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
	if pushed, err = i.upload(digest.Repository, options); err != nil {
		return "", false, fmt.Errorf("pushing the image to %s: %w", repository, explain(digest.Repository, err))
	}
	return reference, pushed, nil
}

// upload sends what the repository lacks: first each platform's image, then the
// index. An index in the repository does not prove that its images are still there.
func (i *Image) upload(repository name.Repository, options []remote.Option) (pushed bool, err error) {
	manifest, err := i.index.IndexManifest()
	if err != nil {
		return false, err
	}
	for _, m := range manifest.Manifests {
		ref := repository.Digest(m.Digest.String())
		found, err := exists(ref, m.Digest, options)
		if err != nil {
			return false, err
		}
		if found {
			continue
		}
		one, err := i.index.Image(m.Digest)
		if err != nil {
			return false, err
		}
		if err := remote.Write(ref, one, options...); err != nil {
			return false, fmt.Errorf("for %s: %w", m.Platform, err)
		}
		pushed = true
	}
	tag := repository.Tag(i.Tag())
	found, err := exists(tag, i.digest, options)
	if found || err != nil {
		return pushed, err
	}
	return true, remote.WriteIndex(tag, i.index, options...)
}

// exists reports whether the registry has this digest under ref.
func exists(ref name.Reference, digest v1.Hash, options []remote.Option) (bool, error) {
	found, err := remote.Head(ref, options...)
	if status(err) == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return found.Digest == digest, nil
}

// remotely returns the options of every request to a registry. It looks up the
// login, so that a keychain that cannot be read is not reported as a refusal of
// the registry.
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

// status returns the HTTP status of the registry's answer, or 0 without one.
func status(err error) int {
	var refused *transport.Error
	if errors.As(err, &refused) {
		return refused.StatusCode
	}
	return 0
}

// explain adds to a registry's refusal what to do about it.
func explain(repository name.Repository, err error) error {
	switch status(err) {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%s refuses the login, or has none: run `docker login %s` with an account that may push and pull (on AWS `aws ecr get-login-password | docker login --username AWS --password-stdin %s`, on DigitalOcean `doctl registry login`): %w",
			repository.RegistryStr(), repository.RegistryStr(), repository.RegistryStr(), err)
	case http.StatusNotFound:
		return fmt.Errorf("%s has no repository %s, or it lacks this image: %w", repository.RegistryStr(), repository.RepositoryStr(), err)
	}
	return err
}
