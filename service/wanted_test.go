package service

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPointerSaysWhatIsWanted(t *testing.T) {
	release := Release{ID: ReleaseID(strings.Repeat("a", 64)), Size: 7}
	plain := strings.TrimSuffix(release.Pointer(), "\n")
	for text, want := range map[string]Wanted{
		plain + "\n":                  {Release: release},
		plain + " asked=1764150000\n": {Release: release, RequestedAt: 1764150000},
		plain + " asked=1764150000 command=0123456789ab\n": {Release: release, RequestedAt: 1764150000, Command: "0123456789ab"},
		plain + " asked=1764150000 bake=2m0s,1%\n":         {Release: release, RequestedAt: 1764150000, Bake: Bake{2 * time.Minute, "1%"}},
	} {
		assert.Equal(t, text, want.Pointer())
		read, err := ParseWanted(text)
		require.NoError(t, err, "%q", text)
		assert.Equal(t, want, read)
	}
	newer, err := ParseWanted(plain + " asked=5 newer=1 word\n")
	require.NoError(t, err)
	assert.Equal(t, Wanted{Release: release, RequestedAt: 5}, newer)
	for _, torn := range []string{"", "\n", plain, plain + " asked=17641", plain + " asked=\n", plain + " asked=-1\n", plain + " command=../x\n", plain + " bake=2m0s,\n", plain[:60] + "\n" + plain, "x 7\n", plain + "7x asked=1\n"} {
		_, err := ParseWanted(torn)
		assert.ErrorContains(t, err, "release pointer", "%q", torn)
	}
}
