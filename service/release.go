package service

import (
	"fmt"
	"strconv"
	"strings"
)

// Release is one built service: a binary on machines, an image on clusters. Its
// identity is the SHA-256 of the binary or of the image's index (its digest), so
// that a release cannot be taken for another.
type Release struct {
	ID ReleaseID
	// Size is the binary's size in bytes. It is 0 for an image, whose digest
	// says it.
	Size int64
}

// KeptReleases is how many releases a machine and a release store keep, the
// running one included, for going back to.
const KeptReleases = 5

// PointerKey is the object that names the current release in a release store.
const PointerKey = "current"

// Key is where the release's binary lies in a release store.
func (r Release) Key() string { return "releases/" + string(r.ID) }

// Short is the release's name for people: 12 digits are enough to tell
// releases apart.
func (r Release) Short() string { return r.ID.Short() }

// Pointer is the content of the PointerKey object: one line, the id and the
// size, which a shell can read with `read`.
func (r Release) Pointer() string { return fmt.Sprintf("%s %d\n", r.ID, r.Size) }

// Line names the release in a list: its id, and its size where it has one.
func (r Release) Line() string {
	if r.Size == 0 {
		return string(r.ID)
	}
	return strings.TrimSuffix(r.Pointer(), "\n")
}

// ParseLine reads what Line wrote.
func ParseLine(s string) (Release, error) {
	if id := ReleaseID(s); id.Valid() {
		return Release{ID: id}, nil
	}
	return ParsePointer(s + "\n")
}

// ParsePointer reads what Pointer wrote. It takes nothing else: a truncated
// pointer is an error, not another release.
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
