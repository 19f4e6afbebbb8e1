package deploy

import (
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"escala/service"
)

// CIDRRule is the set of conditions on a network's IP range.
type CIDRRule struct {
	// Widest and Narrowest are the limits of the prefix length, in bits.
	Widest, Narrowest int
	// Public also allows ranges that are not private (RFC 1918).
	Public bool
	// Example is a valid range, for the message.
	Example string
}

// Check adds a violation if cidr is not an allowed IPv4 range.
func (r CIDRRule) Check(v *service.Violations, key, cidr string) {
	prefix, err := netip.ParsePrefix(cidr)
	switch {
	case err != nil || !prefix.Addr().Is4():
		v.Add(key, "%q is not an IPv4 range; for example %q", cidr, r.Example)
	case !r.Public && !prefix.Addr().IsPrivate():
		v.Add(key, "%q is not a private IPv4 range; for example %q", cidr, r.Example)
	case prefix.Bits() < r.Widest || prefix.Bits() > r.Narrowest:
		v.Add(key, "/%d is not from /%d to /%d", prefix.Bits(), r.Widest, r.Narrowest)
	case prefix.Masked() != prefix:
		v.Add(key, "%q has bits set after its /%d; did you mean %q?", cidr, prefix.Bits(), prefix.Masked())
	}
}

// AWS allows tag keys of 1 to 128 and values of at most 256 characters
// (docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html).
const (
	longestTagKey   = 128
	longestTagValue = 256
)

// maxTags is the largest number of tags that a user can set. A resource can have 50;
// the others are for the stack and for AWS services.
const maxTags = 40

// tagText matches the characters that IAM, S3 and load balancers accept.
var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// CheckTags adds a violation for each of the user's AWS tags that a service
// would refuse in the middle of an update. A key must not begin with any of the
// reserved prefixes, in upper or lower case.
func CheckTags(v *service.Violations, key string, tags map[string]string, reserved ...string) {
	if len(tags) > maxTags {
		v.Add(key, "has %d tags; at most %d are possible, since the stack adds its own", len(tags), maxTags)
	}
	// IAM compares keys without regard to case.
	seen := map[string]string{"project": "Project", "stack": "Stack", "service": "Service", "managedby": "ManagedBy"}
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		lower := strings.ToLower(name)
		if other, taken := seen[lower]; taken && other != name {
			v.Add(key+"."+name, "differs from the tag %q only in case, which IAM ignores", other)
		}
		seen[lower] = name
		begins := func(prefix string) bool { return strings.HasPrefix(lower, prefix) }
		switch i := slices.IndexFunc(reserved, begins); {
		case i >= 0:
			v.Add(key+"."+name, "begins with %q, which is reserved", reserved[i])
		case name == "" || len([]rune(name)) > longestTagKey || len([]rune(tags[name])) > longestTagValue:
			v.Add(key+"."+name, "is not a tag of 1 to %d characters with a value of at most %d", longestTagKey, longestTagValue)
		case !tagText.MatchString(name) || !tagText.MatchString(tags[name]):
			v.Add(key+"."+name, "has a character that IAM or S3 refuse; letters, digits, spaces and _ . : / = + - @ are allowed")
		}
	}
}

// CheckRegion adds a violation if the configuration sets another AWS region for
// Pulumi's default provider. No target uses that provider, so the setting would
// have no effect.
func (r Request) CheckRegion(v *service.Violations, section, region string) {
	if r.ProviderConfig == nil {
		return
	}
	if other, set := r.ProviderConfig("aws:region"); set && other != region {
		v.Add("aws:region", "is %q, but the section %q has region %q; set the latter and remove the former", other, section, region)
	}
}
