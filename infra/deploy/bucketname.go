package deploy

import (
	"regexp"
	"strings"
)

var notInBuckets = regexp.MustCompile(`[^a-z0-9]+`)

// BucketPrefix returns the readable part of the name of a stack's release bucket.
// Bucket names are unique worldwide, so 16 random characters follow. Both together
// are within the limit of 63 characters.
func BucketPrefix(project, stack string) string { return bucketPrefix(project, stack, "releases") }

// MachinesBucketPrefix returns the same for the bucket that a stack's machines
// write to, on clouds where that is a separate bucket.
func MachinesBucketPrefix(project, stack string) string {
	return bucketPrefix(project, stack, "machines")
}

func bucketPrefix(project, stack, kind string) string {
	name := notInBuckets.ReplaceAllString(strings.ToLower(project+"-"+stack), "-")
	return strings.Trim(name[:min(37, len(name))], "-") + "-" + kind + "-"
}
