package instance

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPublicIPv4(t *testing.T) {
	const path = "/latest/meta-data/public-ipv4"
	s := newEC2Service(t, map[string]string{})
	e := NewEC2(s.URL)
	address, err := e.PublicIPv4(t.Context())
	require.NoError(t, err, "an instance may have none")
	assert.Empty(t, address)
	for _, one := range []string{"198.51.100.7", "203.0.113.9"} {
		s.set(path, one)
		address, err = e.PublicIPv4(t.Context())
		require.NoError(t, err)
		assert.Equal(t, one, address)
	}
	s.Close()
	_, err = e.PublicIPv4(t.Context())
	require.ErrorIs(t, err, ErrUnreachable)
}
