package keys

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func secret(c byte) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(c), 32)))
}

func parse(t *testing.T, s string) Keys {
	t.Helper()
	k, err := Parse(s)
	require.NoError(t, err)
	return k
}

func TestParse(t *testing.T) {
	t.Parallel()
	k := parse(t, "new:"+secret('n')+", old:"+secret('o'))
	assert.Equal(t, []string{"new", "old"}, []string{k[0].ID, k[1].ID})
	urlSafe := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\xff\xfe", 16)))
	assert.Len(t, parse(t, "k:"+urlSafe)[0].Secret, 32)
	bad := map[string]string{
		"":                                       "key 1 is not id:base64",
		"nocolon":                                "key 1 is not id:base64",
		":" + secret('a'):                        "key 1 is not id:base64",
		"a b:" + secret('a'):                     "key 1 is not id:base64",
		"k:short":                                "key 1 (k) is not at least 32 bytes",
		"k:!!!":                                  "key 1 (k) is not at least 32 bytes",
		"k:" + secret('a') + ",":                 "key 2 is not id:base64",
		"k:" + secret('a') + ",k:" + secret('b'): "key 2 has the id",
	}
	for in, says := range bad {
		_, err := Parse(in)
		require.ErrorContains(t, err, says, in)
		assert.NotContains(t, err.Error(), secret('a'), "never a secret")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("k:" + secret('k'))
	f.Add("a:b,c:d")
	f.Fuzz(func(t *testing.T, in string) {
		k, err := Parse(in)
		if err != nil {
			return
		}
		for _, one := range k {
			if len(one.Secret) < minSecret || !validID(one.ID) {
				t.Fatalf("%q was accepted", in)
			}
		}
	})
}
