package deploy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// number returns a release that is identified by a number.
func number(n int) service.Release {
	return service.Release{ID: service.ReleaseID(fmt.Sprintf("%02x", n) + strings.Repeat("ab", 31)), Size: int64(n + 1)}
}

func numbers(h []service.Release) []int64 {
	var all []int64
	for _, r := range h {
		all = append(all, r.Size-1)
	}
	return all
}

func TestWithKeepsTheLastOnesInOrder(t *testing.T) {
	var h History
	for n := range 20 {
		h = h.With(number(n))
	}
	assert.Equal(t, []int64{19, 18, 17, 16, 15}, numbers(h.Restorable()))
	assert.Equal(t, []int64{14, 13, 12, 11, 10, 9, 8, 7, 6}, numbers(h.Expired(number(20))), "15 is gone back to if 20 fails")
	assert.Equal(t, h.Expired(number(20)), h.With(number(20)).Expired(number(20)), "an update without a change changes nothing")

	h = h.With(number(17))
	assert.Equal(t, []int64{17, 19, 18, 16, 15}, numbers(h.Restorable()), "one that comes back stands in front")
	assert.NotContains(t, numbers(h.Expired(number(14))), int64(14), "one that comes back is not to be removed any more")
	assert.Equal(t, h, h.With(number(17)), "an update without another release changes nothing")
}

func TestFind(t *testing.T) {
	var h History
	for n := range 7 {
		h = h.With(number(n))
	}
	found, err := h.Find(string(number(5).ID))
	require.NoError(t, err)
	assert.Equal(t, number(5), found)
	found, err = h.Find(number(6).Short())
	require.NoError(t, err)
	assert.Equal(t, number(6), found)

	_, err = h.Find("05ab")
	require.ErrorContains(t, err, "is not a release that the stack can go back to", "too short to be meant")
	_, err = h.Find(string(number(0).ID))
	require.ErrorContains(t, err, "these are: 06abababab", "the store may have removed it")
	_, err = History{}.Find(string(number(0).ID))
	require.ErrorContains(t, err, "has had no release yet")
	twin := number(6)
	twin.ID = twin.ID[:20] + service.ReleaseID(strings.Repeat("0", 44))
	_, err = h.With(twin).Find(number(6).Short())
	require.ErrorContains(t, err, "is the beginning of more than one of")
}
