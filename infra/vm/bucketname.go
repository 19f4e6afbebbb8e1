package vm

import (
	"regexp"
	"strings"
)

var notInBuckets = regexp.MustCompile(`[^a-z0-9]+`)

// BucketPrefix, with 16 characters after it, is not longer than the 63 that a
// bucket may have. It is the readable part of the name of a stack's release bucket. A
// bucket's name is everybody's: what is unique about it is put after this.
func BucketPrefix(project, stack string) string {
	name := notInBuckets.ReplaceAllString(strings.ToLower(project+"-"+stack), "-")
	return strings.Trim(name[:min(37, len(name))], "-") + "-releases-"
}
