package deploy

import (
	"regexp"
	"strings"
)

var notInBuckets = regexp.MustCompile(`[^a-z0-9]+`)

// BucketPrefix is the readable part of the name of a stack's release bucket. A
// bucket's name is everybody's: 16 characters that are unique come after this,
// and all of it is not longer than the 63 that a name may have.
func BucketPrefix(project, stack string) string {
	name := notInBuckets.ReplaceAllString(strings.ToLower(project+"-"+stack), "-")
	return strings.Trim(name[:min(37, len(name))], "-") + "-releases-"
}
