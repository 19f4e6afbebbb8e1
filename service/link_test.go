package service

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLinkStays(t *testing.T) {
	for _, test := range []struct {
		name, target string
		want         bool
	}{
		{"lib/b.py", "a.py", true},
		{"lib/b.py", "../a.py", true},
		{"a/b/c", "../../d/e", true},
		{"here", ".", true},
		{"lib/b.py", "/etc/passwd", false},
		{"lib/b.py", "../../a.py", false},
		{"lib/b.py", "a/../../b", false},
		// a may be a link to "..". a/.. is then outside the release.
		{"lib/b.py", "a/../b", false},
		{"lib/b.py", "", false},
	} {
		assert.Equal(t, test.want, LinkStays(test.name, test.target), "%s -> %s", test.name, test.target)
	}
}
