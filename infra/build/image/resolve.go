package image

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Resolve turns the reference of an image that exists ("host/path:tag", or by
// digest already) into one by digest, which never means another image. A nil
// keychain is Docker's.
func Resolve(ctx context.Context, reference string, keychain authn.Keychain) (string, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return "", fmt.Errorf("%q is not an image (host/path:tag or host/path@sha256:…): %w", reference, err)
	}
	options, err := remotely(ctx, ref.Context(), keychain)
	if err != nil {
		return "", fmt.Errorf("looking up image %s: %w", reference, err)
	}
	found, err := remote.Head(ref, options...)
	if err != nil {
		return "", fmt.Errorf("looking up image %s: %w", reference, explain(ref.Context(), err))
	}
	return ref.Context().Digest(found.Digest.String()).Name(), nil
}
