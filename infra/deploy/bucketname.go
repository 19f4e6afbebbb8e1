package deploy

import (
	"regexp"
	"strings"
)

var notInBuckets = regexp.MustCompile(`[^a-z0-9]+`)

// BucketPrefix is the readable part of the name of a stack's release bucket. A
// bucket's name is unique in the world: 16 characters that are come after this,
// and all of it is not longer than the 63 that a name may have.
func BucketPrefix(project, stack string) string { return bucketPrefix(project, stack, "releases") }

// MachinesBucketPrefix is the same for the bucket that a stack's machines write
// to, where that is another one.
func MachinesBucketPrefix(project, stack string) string {
	return bucketPrefix(project, stack, "machines")
}

func bucketPrefix(project, stack, kind string) string {
	name := notInBuckets.ReplaceAllString(strings.ToLower(project+"-"+stack), "-")
	return strings.Trim(name[:min(37, len(name))], "-") + "-" + kind + "-"
}
