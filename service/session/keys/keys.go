// Package keys reads the keys that sign sessions. It is separate from package
// session, so that a plan can check the keys without linking the signing code.
package keys

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// minSecret is the smallest size of a secret in bytes. It is the output size of
// HS256: a shorter key would be the weakest part.
const minSecret = 32

// Key is one signing key.
type Key struct {
	// ID is the token's "kid". It names the key that signed the token.
	ID     string
	Secret []byte
}

// Keys are the accepted keys. The first one signs.
//
// During a roll, workers of two releases serve side by side, and each must
// accept the other's signatures. So a key is rotated in steps, with one release
// per step:
//
//	k1:…         before
//	k1:…,k2:…    every worker accepts k2, none signs with it yet
//	k2:…,k1:…    k2 signs
//	k2:…         after SESSION_TTL, when the last session of k1 has ended
type Keys []Key

// Parse reads "id:base64,id:base64,…". Errors contain the key's position, but
// never its secret.
func Parse(s string) (Keys, error) {
	var keys Keys
	seen := map[string]bool{}
	for i, one := range strings.Split(s, ",") {
		id, encoded, ok := strings.Cut(strings.TrimSpace(one), ":")
		if !ok || !validID(id) {
			return nil, fmt.Errorf("key %d is not id:base64, with an id of 1 to 32 letters, digits, '-' and '_'; for example \"k1:$(openssl rand -base64 32)\"", i+1)
		}
		secret, err := decode(encoded)
		if err != nil || len(secret) < minSecret {
			return nil, fmt.Errorf("key %d (%s) is not at least %d bytes in base64; for example the output of \"openssl rand -base64 32\"", i+1, id, minSecret)
		}
		if seen[id] {
			return nil, fmt.Errorf("key %d has the id %q of another key", i+1, id)
		}
		seen[id] = true
		keys = append(keys, Key{ID: id, Secret: secret})
	}
	return keys, nil
}

func decode(s string) ([]byte, error) {
	s = strings.TrimRight(s, "=")
	if strings.ContainsAny(s, "-_") {
		return base64.RawURLEncoding.DecodeString(s)
	}
	return base64.RawStdEncoding.DecodeString(s)
}

func validID(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	return strings.IndexFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
	}) < 0
}

// Find returns the secret of a key, or nil.
func (k Keys) Find(id string) []byte {
	for _, one := range k {
		if one.ID == id {
			return one.Secret
		}
	}
	return nil
}
