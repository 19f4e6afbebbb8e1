package ask

import (
	"fmt"
	"strings"

	"escala/cloudinit/agent/request"
	"escala/infra/deploy"
	"escala/infra/operate"
)

// KnownKey returns a key that is not secret, for a store that only the operator can
// write to anyway.
func KnownKey() request.Key {
	key, err := request.ParseKey(strings.Repeat("00", 32))
	if err != nil {
		panic(err) // the seed is a constant
	}
	return key
}

// LastMachine returns the last of a stack's machines. requests is the store from which
// machines read requests.
func LastMachine(m operate.Machines, requests operate.Objects) (Machine, error) {
	switch {
	case len(m.At) == 0:
		return Machine{}, operate.ErrNothing
	case m.Objects == nil:
		return Machine{}, fmt.Errorf("the release store cannot be reached: %w", m.NoObjects)
	case requests == nil:
		return Machine{}, operate.ErrNothing
	}
	key, err := Key(m.Stack)
	return Machine{ID: m.At[len(m.At)-1].ID, Key: key, Requests: requests, Answers: m.Objects}, err
}

// Key returns the key of a stack from its state, which only the state's passphrase
// or its key at a cloud can decrypt.
func Key(s *operate.Stack) (request.Key, error) {
	r, err := s.Find("random:index/randomBytes:RandomBytes", deploy.OperatorKeyName)
	if err != nil {
		return request.Key{}, fmt.Errorf("the machine answers no requests yet: %w", err)
	}
	if s.Sealed != nil {
		return request.Key{}, fmt.Errorf("reading the key of the stack's requests: %w", s.Sealed)
	}
	return request.ParseKey(r.Text("hex"))
}
