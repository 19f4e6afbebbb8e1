// Package session signs and checks sessions as JSON Web Tokens, so that any
// worker can serve any request and nothing about a person lives in a worker's
// memory.
package session

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// minSecret is HS256's output: a shorter key would be the weakest part.
const minSecret = 32

// Key is one signing key.
type Key struct {
	// ID is the token's "kid": it says which key signed it.
	ID     string
	secret []byte
}

// Keys are the keys that are accepted; the first one signs. To rotate, put a
// new key first, and take the old one out once its last session has expired.
type Keys []Key

// ParseKeys reads "id:base64,id:base64,…". Errors name the key by its place,
// never its secret.
func ParseKeys(s string) (Keys, error) {
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
		keys = append(keys, Key{ID: id, secret: secret})
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

func (k Keys) find(id string) []byte {
	for _, one := range k {
		if one.ID == id {
			return one.secret
		}
	}
	return nil
}
