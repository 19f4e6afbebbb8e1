package iampolicy

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"escala/service"
)

// StackTags are the keys of the tags that every target on AWS puts on
// everything. A user's own tag of the same key wins.
var StackTags = []string{"Project", "Stack", "Service", "ManagedBy"}

// tagText are the characters that IAM, S3 and load balancers take in a tag
// ("Tag naming limits and requirements").
var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// maxTags leaves room for the stack's, Name and those of the services, of the 50
// that a resource takes.
const maxTags = 40

// CheckTags reports the tags that a service of AWS would refuse, in the middle of
// an update. path is the key of the configuration. reserved are prefixes beside
// "aws:".
func CheckTags(v *service.Violations, path string, tags map[string]string, reserved ...string) {
	if len(tags) > maxTags {
		v.Add(path, "has %d tags; %d at most leave room for those of the stack", len(tags), maxTags)
	}
	seen := map[string]string{}
	for _, key := range StackTags {
		seen[strings.ToLower(key)] = key
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value, lower := tags[key], strings.ToLower(key)
		for _, prefix := range append([]string{"aws:"}, reserved...) {
			if strings.HasPrefix(lower, prefix) {
				v.Add(path+"."+key, "begins with %q, which is reserved", prefix)
			}
		}
		if key == "" || len([]rune(key)) > 128 || len([]rune(value)) > 256 {
			v.Add(path+"."+key, "is not a tag of 1 to 128 characters with a value of at most 256")
		}
		if !tagText.MatchString(key) || !tagText.MatchString(value) {
			v.Add(path+"."+key, "has a character that IAM or S3 refuse; letters, digits, spaces and _ . : / = + - @ are taken")
		}
		if other, taken := seen[lower]; taken && other != key {
			v.Add(path+"."+key, "differs from the tag %q only in case, which IAM does not tell apart", other)
		}
		seen[lower] = key
	}
}
