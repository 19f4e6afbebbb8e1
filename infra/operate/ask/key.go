package ask

import (
	"fmt"
	"strings"

	"escala/cloudinit/agent/request"
	"escala/infra/deploy"
	"escala/infra/operate"
)

// KnownKey returns a key that is no secret, for a store that only the operator can
// write anyway.
func KnownKey() request.Key {
	key, err := request.ParseKey(strings.Repeat("00", 32))
	if err != nil {
		panic(err) // the seed is a constant
	}
	return key
}

// Key returns the key of a stack from its state, which only its passphrase or its
// key at a cloud decrypts.
func Key(s *operate.Stack) (request.Key, error) {
	r, err := s.One("random:index/randomBytes:RandomBytes", deploy.OperatorKeyName)
	if err != nil {
		return request.Key{}, fmt.Errorf("the machine answers no requests yet: %w", err)
	}
	return request.ParseKey(r.Text("hex"))
}
