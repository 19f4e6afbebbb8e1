package request

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Key signs requests to the machines of one stack. It is in the stack's state,
// encrypted. A machine has only the public half, which is no secret.
type Key struct{ private ed25519.PrivateKey }

// seedBytes is the size of the secret that a Key is derived from.
const seedBytes = 32

// ParseKey returns the key of a seed in hexadecimal. The error never contains the
// seed.
func ParseKey(seed string) (Key, error) {
	b, err := hex.DecodeString(strings.TrimSpace(seed))
	if err != nil || len(b) != seedBytes {
		return Key{}, fmt.Errorf("the stack's operator key is not %d bytes in hexadecimal", seedBytes)
	}
	// HKDF fails only for keys of more than 255 hashes.
	derived, err := hkdf.Key(sha256.New, b, nil, "escala operator: signing", ed25519.SeedSize)
	if err != nil {
		return Key{}, fmt.Errorf("deriving the stack's operator key: %w", err)
	}
	return Key{ed25519.NewKeyFromSeed(derived)}, nil
}

// Public returns the key that machines verify requests with, in hexadecimal.
func (k Key) Public() string { return hex.EncodeToString(k.private.Public().(ed25519.PublicKey)) }

// String hides the key from logs.
func (Key) String() string { return "operator key" }

// GoString hides the key from logs.
func (Key) GoString() string { return "operator key" }

// parsePublic reads what Public returned.
func parsePublic(text string) (ed25519.PublicKey, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, errors.New("operator is not the public half of an operator key")
	}
	return b, nil
}
