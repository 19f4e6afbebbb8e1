package service

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var someID = strings.Repeat("0123456789abcdef", 4)

func TestPointer(t *testing.T) {
	t.Parallel()
	r := Release{ID: ReleaseID(someID), Size: 12345}
	assert.Equal(t, someID+" 12345\n", r.Pointer())
	assert.Equal(t, "releases/"+someID, r.Key())
	assert.Equal(t, "0123456789ab", r.Short())
	got, err := ParsePointer(r.Pointer())
	require.NoError(t, err)
	assert.Equal(t, r, got)
}

func TestParsePointerTakesNothingElse(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"empty":            "",
		"no line end":      someID + " 1",
		"no size":          someID + "\n",
		"size zero":        someID + " 0\n",
		"negative size":    someID + " -1\n",
		"a plus sign":      someID + " +1\n",
		"a leading zero":   someID + " 01\n",
		"size too large":   someID + " 99999999999999999999\n",
		"two spaces":       someID + "  1\n",
		"a third field":    someID + " 1 x\n",
		"a second line":    someID + " 1\n" + someID + " 1\n",
		"upper case":       strings.ToUpper(someID) + " 1\n",
		"id too short":     someID[1:] + " 1\n",
		"id too long":      "0" + someID + " 1\n",
		"another alphabet": strings.Repeat("g", 64) + " 1\n",
		"carriage return":  someID + " 1\r\n",
		"truncated":        someID[:30],
		"a path":           "../../" + someID[6:] + " 1\n",
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ParsePointer(in)
			assert.Error(t, err)
		})
	}
}

func FuzzParsePointer(f *testing.F) {
	f.Add(someID + " 1\n")
	f.Add(someID + " 9223372036854775807\n")
	f.Add(someID + " 1")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParsePointer(s)
		if err != nil {
			return
		}
		if r.Pointer() != s || r.Size <= 0 || len(r.ID) != 64 {
			t.Fatalf("%q was read as %+v", s, r)
		}
	})
}

func TestLine(t *testing.T) {
	t.Parallel()
	for _, r := range []Release{{ID: ReleaseID(someID), Size: 4711}, {ID: ReleaseID(someID)}} {
		got, err := ParseLine(r.Line())
		require.NoError(t, err)
		assert.Equal(t, r, got)
	}
	for _, bad := range []string{"", someID[1:], someID + "\n", someID + " 0", someID + " 1\n", strings.ToUpper(someID)} {
		_, err := ParseLine(bad)
		assert.Error(t, err, "%q", bad)
	}
}
