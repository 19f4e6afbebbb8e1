package awsdns

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestUndelegated(t *testing.T) {
	own := []string{"ns-1.awsdns-01.org", "NS-2.awsdns-02.com."}
	assert.Empty(t, undelegated("example.com", []string{"ns-2.awsdns-02.com"}, own))
	assert.Empty(t, undelegated("example.com", nil, own), "nothing is known")
	assert.Contains(t, undelegated("example.com", []string{"ns1.elsewhere.net"}, own),
		"the internet asks ns1.elsewhere.net for example.com, and not the zone in this account")
}

func TestViolations(t *testing.T) {
	for _, one := range []struct {
		zone    string
		host    []string
		message string
	}{
		{"", nil, ""},
		{"example.com", []string{"api.example.com", "example.com"}, ""},
		{"Z0123456789ABC", []string{"api.example.org"}, ""},
		{"example.com", nil, "service.host: is not set, but eks.zone is"},
		{"example.com", []string{"api.badexample.com"}, `eks.zone: "example.com" does not hold api.badexample.com`},
		{"com", []string{"example.com"}, `eks.zone: "com" is neither the id (Z…) nor the name of a hosted zone`},
		{"Example.com.", []string{"api.example.com"}, "is neither the id"},
	} {
		v := Choice{Key: "eks.zone", Zone: one.zone, Names: one.host}.Violations()
		if one.message == "" {
			assert.Empty(t, v)
		} else {
			assert.Contains(t, v.Error(), one.message)
		}
	}
}
