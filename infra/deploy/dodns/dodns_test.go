package dodns

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDomain(t *testing.T) {
	account := func(domains ...string) func(string) (bool, error) {
		return func(asked string) (bool, error) {
			for _, d := range domains {
				if d == asked {
					return true, nil
				}
			}
			return false, nil
		}
	}
	longest, err := Choice{}.domain("api.eu.example.com", account("example.com", "eu.example.com"))
	require.NoError(t, err)
	assert.Equal(t, "eu.example.com", longest)
	assert.Equal(t, "api", relative("api.eu.example.com", longest))
	assert.Equal(t, "@", relative("example.com", "example.com"))
	_, err = Choice{}.domain("api.example.com", account("example.org"))
	require.ErrorContains(t, err, "the account has no domain for api.example.com")
	_, err = Choice{Domain: "example.com"}.domain("api.example.com", account("eu.example.com"))
	require.ErrorContains(t, err, `the account has no domain "example.com"`)
	_, err = Choice{}.domain("api.example.com", func(string) (bool, error) { return false, errors.New("401") })
	require.ErrorContains(t, err, "looking up the domain of api.example.com failed: 401")
}

func TestAlone(t *testing.T) {
	d := Domain{Name: "example.com", Record: "api", Existing: []string{"198.51.100.7"}}
	require.NoError(t, d.checkRecords("api.example.com", "198.51.100.7", ""), "a failed update made it")
	require.NoError(t, d.checkRecords("api.example.com", "198.51.100.8", "198.51.100.7"), "the address moves")
	require.ErrorContains(t, d.checkRecords("api.example.com", "198.51.100.8", ""), "api.example.com already leads to 198.51.100.7")
}

func TestViolations(t *testing.T) {
	host := []string{"api.example.com"}
	for domain, says := range map[string]string{
		"": "", "example.com": "", "com.": "is not a domain", "example.org": "does not hold api.example.com",
	} {
		v := Choice{Key: "doks.domain", Domain: domain, Names: host}.Violations()
		if says == "" {
			assert.Empty(t, v)
		} else {
			assert.Contains(t, v.Error(), says)
		}
	}
	assert.Contains(t, Choice{Key: "doks.domain", Domain: "example.com"}.Violations().Error(), "service.host: is not set, but doks.domain is")
}
