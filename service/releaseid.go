package service

import "regexp"

// ReleaseID identifies a release: a SHA-256 in 64 lower-case hexadecimal digits.
type ReleaseID string

var releaseID = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Valid reports whether the id is a SHA-256.
func (id ReleaseID) Valid() bool { return releaseID.MatchString(string(id)) }

// Short is the id for people: 12 digits are enough to tell releases apart.
func (id ReleaseID) Short() string { return string(id[:min(12, len(id))]) }

// Describe is "release 0123456789ab", or "no release" for an empty id.
func (id ReleaseID) Describe() string {
	if id == "" {
		return "no release"
	}
	return "release " + id.Short()
}
