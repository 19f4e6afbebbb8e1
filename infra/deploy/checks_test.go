package deploy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

func TestCIDRRule(t *testing.T) {
	t.Parallel()
	for cidr, want := range map[string]string{
		"10.20.0.0/16":    "",
		"172.16.0.0/20":   "",
		"10.20.0.1/16":    `did you mean "10.20.0.0/16"?`,
		"10.0.0.0/8":      "/8 is not from /16 to /20",
		"192.168.0.0/24":  "/24 is not from /16 to /20",
		"203.0.113.0/16":  "is not a private IPv4 range",
		"fd00::/16":       "is not an IPv4 range",
		"ten dot nothing": "is not an IPv4 range",
		"":                "is not an IPv4 range",
	} {
		var v service.Violations
		CIDRRule{Widest: 16, Narrowest: 20, Example: "10.20.0.0/16"}.Check(&v, "aws.cidr", cidr)
		if want == "" {
			assert.Empty(t, v, cidr)
			continue
		}
		require.ErrorContains(t, v.Err(), want, cidr)
		require.ErrorContains(t, v.Err(), "aws.cidr", cidr)
	}
	var v service.Violations
	CIDRRule{Widest: 16, Narrowest: 28, Public: true}.Check(&v, "aws.cidr", "100.64.0.0/16")
	assert.Empty(t, v)
}

func TestCheckTags(t *testing.T) {
	t.Parallel()
	var v service.Violations
	CheckTags(&v, "aws.tags", map[string]string{
		"Team":                   "payments",
		"AWS:mine":               "x",
		"":                       "x",
		strings.Repeat("ä", 128): strings.Repeat("ü", 256),
		strings.Repeat("a", 129): "x",
		"Long":                   strings.Repeat("a", 257),
	}, "aws:")
	var paths []string
	for _, violation := range v {
		paths = append(paths, violation.Path)
	}
	assert.Equal(t, []string{"aws.tags.", "aws.tags.AWS:mine", "aws.tags.Long", "aws.tags." + strings.Repeat("a", 129)}, paths)
}

func TestTagsThatAServiceRefuses(t *testing.T) {
	many := map[string]string{}
	for i := range 41 {
		many[fmt.Sprintf("tag%02d", i)] = "x"
	}
	for name, tt := range map[string]struct {
		tags    map[string]string
		message []string
	}{
		"good":            {map[string]string{"Cost Center": "a/b=c", "Größe": "ñ", "Project": "mine"}, nil},
		"reserved":        {map[string]string{"AWS:x": "y", "eks:x": "y"}, []string{`t.AWS:x: begins with "aws:"`, `t.eks:x: begins with "eks:"`}},
		"case":            {map[string]string{"project": "x", "Team": "a", "team": "b"}, []string{`t.project: differs from the tag "Project" only in case`, `t.team: differs from the tag "Team" only in case`}},
		"characters":      {map[string]string{"a#b": "x", "note": "50 % off!"}, []string{"t.a#b: has a character", "t.note: has a character"}},
		"too many":        {many, []string{"t: has 41 tags; at most 40"}},
		"without any key": {map[string]string{"": "x"}, []string{"is not a tag of 1 to 128"}},
	} {
		t.Run(name, func(t *testing.T) {
			var v service.Violations
			CheckTags(&v, "t", tt.tags, "aws:", "eks:")
			assert.Len(t, v, len(tt.message))
			for _, says := range tt.message {
				assert.ErrorContains(t, v.Err(), says)
			}
		})
	}
}
