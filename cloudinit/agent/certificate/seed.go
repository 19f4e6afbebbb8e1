package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// Seed is the one secret of a stack for HTTPS. All keys that its machines share
// are derived from it (HKDF, RFC 5869), so a machine needs nothing from another
// one to answer a challenge or to read a certificate.
type Seed [seedBytes]byte

const seedBytes = 32

// ParseSeed reads a seed in hexadecimal. The error never contains the seed.
func ParseSeed(s string) (Seed, error) {
	var seed Seed
	b, err := hex.DecodeString(strings.TrimSpace(s))
	if err != nil || len(b) != seedBytes {
		return seed, fmt.Errorf("the TLS seed is not %d bytes in hexadecimal", seedBytes)
	}
	copy(seed[:], b)
	return seed, nil
}

// String hides the seed from logs.
func (Seed) String() string { return "TLS seed" }

// GoString hides the seed from logs.
func (Seed) GoString() string { return "TLS seed" }

// derive returns the key of a purpose. HKDF fails only for keys of more than 255
// hashes.
func (s Seed) derive(purpose string, bytes int) []byte {
	key, err := hkdf.Key(sha256.New, s[:], nil, "escala tls: "+purpose, bytes)
	if err != nil {
		panic(err)
	}
	return key
}

// AccountKey returns the key of the ACME account.
func (s Seed) AccountKey() (*ecdsa.PrivateKey, error) {
	curve := elliptic.P256()
	// 8 bytes more than the order make the bias of the remainder negligible
	// (FIPS 186-5, A.2.1).
	d := new(big.Int).SetBytes(s.derive("acme account", 40))
	most := new(big.Int).Sub(curve.Params().N, big.NewInt(1))
	d.Add(d.Mod(d, most), big.NewInt(1))
	key, err := ecdsa.ParseRawPrivateKey(curve, d.FillBytes(make([]byte, 32)))
	if err != nil {
		return nil, fmt.Errorf("deriving the account's key: %w", err)
	}
	return key, nil
}

// ChallengePath is the path below which an authority requests the answers of
// challenges (RFC 8555, 8.3).
const ChallengePath = "/.well-known/acme-challenge/"

// Thumbprint returns the thumbprint of an account's key (RFC 7638). With it every
// machine answers every HTTP-01 challenge of the account: token "." thumbprint
// (RFC 8555, 8.1).
func Thumbprint(key *ecdsa.PublicKey) (string, error) {
	point, err := key.Bytes()
	if err != nil || len(point) != 65 {
		return "", errors.Join(errors.New("the account's key is not of P-256"), err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + encode(point[1:33]) + `","y":"` + encode(point[33:]) + `"}`))
	return encode(sum[:]), nil
}

// storageKey is the AES-256-GCM key of the certificates in the store.
func (s Seed) storageKey() []byte { return s.derive("certificates in the store", 32) }

// TicketPeriod is the time for which the machines of a stack encrypt session
// tickets with the same key.
const TicketPeriod = 12 * time.Hour

// TicketKeyBytes is the size of OpenSSL's ticket keys: a name, an HMAC key and an
// AES key.
const TicketKeyBytes = 80

// TicketKey returns the key of session tickets at a time.
func (s Seed) TicketKey(at time.Time) []byte {
	period := at.Unix() / int64(TicketPeriod/time.Second)
	return s.derive("session tickets "+strconv.FormatInt(period, 10), TicketKeyBytes)
}
