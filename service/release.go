package service

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Release is one built service: a binary on machines, an image on clusters. Its
// identity is the SHA-256 of the binary or of the image's index (its digest),
// so that releases cannot be confused.
type Release struct {
	ID ReleaseID
	// Size is the binary's size in bytes. It is 0 for an image, whose digest
	// covers the size.
	Size int64
}

// ReleaseOf returns the release of a binary with this content.
func ReleaseOf(binary []byte) Release {
	sum := sha256.Sum256(binary)
	return Release{ID: ReleaseID(hex.EncodeToString(sum[:])), Size: int64(len(binary))}
}

// ReadRelease reads a binary to its end and returns its release.
func ReadRelease(binary io.Reader) (Release, error) {
	hash := sha256.New()
	size, err := io.Copy(hash, binary)
	return Release{ID: ReleaseID(hex.EncodeToString(hash.Sum(nil))), Size: size}, err //nolint:wrapcheck // the reader's error
}

// KeptReleases is the number of releases that a machine and a release store keep
// for a rollback, including the running one.
const KeptReleases = 5

// PointerKey is the object that names the current release in a release store.
const PointerKey = "current"

// Key returns the key of the release's binary in a release store.
func (r Release) Key() string { return "releases/" + string(r.ID) }

// Short returns the release's short name for people: 12 digits are enough to
// distinguish releases.
func (r Release) Short() string { return r.ID.Short() }

// Pointer returns the content of the PointerKey object: one line with the id
// and the size, which a shell can read with `read`.
func (r Release) Pointer() string { return fmt.Sprintf("%s %d\n", r.ID, r.Size) }

// Line formats the release for a list: its id, and its size if it has one.
func (r Release) Line() string {
	if r.Size == 0 {
		return string(r.ID)
	}
	return strings.TrimSuffix(r.Pointer(), "\n")
}

// ParseLine reads the output of Line.
func ParseLine(s string) (Release, error) {
	if id := ReleaseID(s); id.Valid() {
		return Release{ID: id}, nil
	}
	return ParsePointer(s + "\n")
}

// ParsePointer reads the output of Pointer and nothing else: a truncated pointer
// is an error, and not another release.
func ParsePointer(s string) (Release, error) {
	line, ok := strings.CutSuffix(s, "\n")
	id, size, two := strings.Cut(line, " ")
	if !ok || !two || !ReleaseID(id).Valid() {
		return Release{}, fmt.Errorf("release pointer %.100q is not \"<sha256> <bytes>\\n\"", s)
	}
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil || n <= 0 || strconv.FormatInt(n, 10) != size {
		return Release{}, fmt.Errorf("release pointer has %.40q where the size in bytes belongs", size)
	}
	return Release{ID: ReleaseID(id), Size: n}, nil
}
