package stackconfig

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAddressesOfAlarms(t *testing.T) {
	load := func(notify string) (Config, error) {
		return Load("escala", fake{"escala:target": "local", "escala:notify": notify}, sections(&settings{}))
	}
	c, err := load(`{"email": ["ops@example.com", "on-call+api@example.com"]}`)
	require.NoError(t, err)
	assert.Equal(t, []string{"ops@example.com", "on-call+api@example.com"}, c.Notify.Email)

	var many []string
	for i := range 11 {
		many = append(many, fmt.Sprintf("%q", fmt.Sprintf("a%d@example.com", i)))
	}
	for notify, want := range map[string]string{
		`{"email": ["ops"]}`:                            `notify.email[0]: "ops" is not an address`,
		`{"email": ["Ops <ops@example.com>"]}`:          `notify.email[0]: "Ops <ops@example.com>" is not an address`,
		`{"email": ["a@example.com", "a@example.com"]}`: `notify.email[1]: "a@example.com" is there twice`,
		`{"email": [` + strings.Join(many, ",") + `]}`:  `notify.email: has 11 addresses, and at most 10`,
		`{"mail": ["ops@example.com"]}`:                 `notify.mail: is not a key`,
		`{"email": ["ops@example.com\u0000"]}`:          `is not an address`,
	} {
		_, err := load(notify)
		require.ErrorContains(t, err, want, notify)
	}
}
