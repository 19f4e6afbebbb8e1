package request

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
)

// envelope is a signed object in the release store.
type envelope struct {
	Payload   []byte `json:"payload"`
	Signature []byte `json:"signature"`
}

// ErrUnsigned means that an object was not signed with the stack's key.
var ErrUnsigned = errors.New("it is not signed with the stack's key")

// The signature covers the purpose of an object, so that an object never passes for
// another one.
const (
	forRequest     = "escala request 1\n"
	forMaintenance = "escala maintenance 1\n"
)

func (k Key) sign(purpose string, content any) ([]byte, error) {
	payload, err := json.Marshal(content)
	if err != nil {
		return nil, fmt.Errorf("writing the request: %w", err)
	}
	return json.Marshal(envelope{payload, ed25519.Sign(k.private, append([]byte(purpose), payload...))})
}

// verify reads a signed object into content. Nothing of an object is decoded
// before its signature is verified, except the envelope itself.
func verify(key ed25519.PublicKey, purpose string, object []byte, content any) error {
	var e envelope
	if json.Unmarshal(object, &e) != nil {
		return ErrUnsigned
	}
	if !ed25519.Verify(key, append([]byte(purpose), e.Payload...), e.Signature) {
		return ErrUnsigned
	}
	if err := json.Unmarshal(e.Payload, content); err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	return nil
}
