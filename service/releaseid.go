package service

import (
	"regexp"
	"strings"
)

// ReleaseID identifies a release: a SHA-256 in 64 lower-case hexadecimal
// digits. On machines it is the hash of the binary, on clusters the digest of
// the image's index.
type ReleaseID string

var releaseID = regexp.MustCompile(`^[0-9a-f]{64}$`)

// digestPrefix is the algorithm of a digest in a registry's form
// (github.com/opencontainers/image-spec, descriptor.md).
const digestPrefix = "sha256:"

// ReleaseOfImage returns the release of an image's digest ("sha256:…") or of a
// reference by digest ("repository@sha256:…"). The second result is false for
// any other text.
func ReleaseOfImage(reference string) (ReleaseID, bool) {
	digest := reference[strings.LastIndexByte(reference, '@')+1:]
	hex, hasPrefix := strings.CutPrefix(digest, digestPrefix)
	id := ReleaseID(hex)
	if !hasPrefix || !id.Valid() {
		return "", false
	}
	return id, true
}

// Valid reports whether the id is a SHA-256.
func (id ReleaseID) Valid() bool { return releaseID.MatchString(string(id)) }

// Short returns the short id for people: 12 digits are enough to distinguish
// releases.
func (id ReleaseID) Short() string { return string(id[:min(12, len(id))]) }

// Image returns the reference of the release's image in a repository.
func (id ReleaseID) Image(repository string) string {
	return repository + "@" + digestPrefix + string(id)
}

// Describe returns "release 0123456789ab", or "no release" for an empty id.
func (id ReleaseID) Describe() string {
	if id == "" {
		return "no release"
	}
	return "release " + id.Short()
}
