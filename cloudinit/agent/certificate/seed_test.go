package certificate

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDerivedKeysStayTheSame checks that the derived keys never change: a machine of
// a later version answers the challenges and reads the certificates of an earlier
// one.
func TestDerivedKeysStayTheSame(t *testing.T) {
	t.Parallel()
	seed, err := ParseSeed(strings.Repeat("5eed", 16))
	require.NoError(t, err)
	account, err := seed.AccountKey()
	require.NoError(t, err)
	thumbprint, err := Thumbprint(&account.PublicKey)
	require.NoError(t, err)
	assert.Equal(t, wantThumbprint, thumbprint)
	assert.Equal(t, wantStorage, hex.EncodeToString(seed.storageKey()))
	at := time.Unix(1_800_000_000, 0)
	assert.Equal(t, wantTicket, hex.EncodeToString(seed.TicketKey(at)[:16]))
	assert.Equal(t, seed.TicketKey(at.Truncate(TicketPeriod)), seed.TicketKey(at))
	assert.NotEqual(t, seed.TicketKey(at.Add(TicketPeriod)), seed.TicketKey(at))
}

func TestSeedIsNotPrinted(t *testing.T) {
	t.Parallel()
	seed, err := ParseSeed(" " + strings.Repeat("5eed", 16) + "\n")
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.Equal(t, "TLS seed", fmt.Sprintf(verb, seed))
	}
	for _, bad := range []string{"", "5eed", strings.Repeat("5eed", 17), strings.Repeat("xxxx", 16)} {
		_, err := ParseSeed(bad)
		require.EqualError(t, err, "the TLS seed is not 32 bytes in hexadecimal", bad)
	}
}

func TestRecordIsForOnePlace(t *testing.T) {
	t.Parallel()
	seed, err := ParseSeed(strings.Repeat("5eed", 16))
	require.NoError(t, err)
	other, err := ParseSeed(strings.Repeat("0bad", 16))
	require.NoError(t, err)
	r := record{PEM: []byte("-----BEGIN PRIVATE KEY-----"), Orders: []int64{1, 2}}
	sealed, err := seed.seal(r, "here")
	require.NoError(t, err)
	assert.NotContains(t, string(sealed), "PRIVATE")
	got, err := seed.open(sealed, "here")
	require.NoError(t, err)
	assert.Equal(t, r, got)
	again, err := seed.seal(r, "here")
	require.NoError(t, err)
	assert.NotEqual(t, sealed, again)
	_, err = seed.open(sealed, "there")
	require.ErrorIs(t, err, errCorrupt)
	_, err = other.open(sealed, "here")
	require.ErrorIs(t, err, errCorrupt)
	for _, bad := range [][]byte{nil, []byte("x"), sealed[:len(sealed)-1], append([]byte{sealed[0] ^ 1}, sealed[1:]...)} {
		_, err := seed.open(bad, "here")
		require.ErrorIs(t, err, errCorrupt)
	}
}

func TestFileKeepsOrders(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		w.authority.thumbprints["own"] = true
		pair, err := ParsePair([]byte(ownPair(t, w, host, 90*day)))
		require.NoError(t, err)
		file := File(pair, []int64{5, 7})
		assert.True(t, strings.HasPrefix(string(file), "# "+pair.ID+"\n# orders 5 7\n-----BEGIN CERTIFICATE-----\n"))
		again, r, err := parseFile(file)
		require.NoError(t, err)
		assert.Equal(t, pair.ID, again.ID)
		assert.Equal(t, []int64{5, 7}, r.Orders)
	})
}

func TestPausesAreBounded(t *testing.T) {
	t.Parallel()
	for _, b := range []backoff{afterRefusal, afterSilence, afterUnreached} {
		for n := 1; n < 100; n++ {
			d := b.pause(n, 0)
			require.GreaterOrEqual(t, d, b.first*9/10)
			require.LessOrEqual(t, d, b.limit*11/10)
		}
		assert.LessOrEqual(t, b.pause(50, 100*time.Second), 11*time.Second, "short-lived certificates get more tries")
	}
}

const (
	wantThumbprint = "Onn-UOzTO4uwVm_9C1uSnF7icoHsMjM0dTE4UtgXVgU"
	wantStorage    = "ecca11d49e93e79323778e4836cf672a78104e594a5c06ef60643a3bed0af3f2"
	wantTicket     = "22b4fc1fc71d2ce444ed61705f6e8ce2"
)
