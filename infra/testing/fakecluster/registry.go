package fakecluster

import (
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"escala/infra/build/image"
)

// Pull returns the release of an image in a registry, as its index states it.
func Pull(reference string, login authn.Keychain) (string, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return "", err
	}
	index, err := remote.Index(ref, remote.WithAuthFromKeychain(login))
	if err != nil {
		return "", err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return "", err
	}
	for _, m := range manifest.Manifests {
		if release := m.Annotations[image.ReleaseLabel]; release != "" {
			return release, nil
		}
	}
	return "", fmt.Errorf("image %s has no release", reference)
}
