package certificate

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Pair is a certificate with its private key.
type Pair struct {
	// PEM is the chain, the leaf first, and the private key.
	PEM []byte
	// Leaf is the certificate itself.
	Leaf *x509.Certificate
	// ID identifies the content.
	ID string
}

// maxPair is more than the size of any chain with its key.
const maxPair = 64 << 10

// ParsePair reads a chain and its private key in PEM, in any order. The error
// never contains a part of the key.
func ParsePair(content []byte) (Pair, error) {
	if len(content) > maxPair {
		return Pair{}, fmt.Errorf("the certificate has more than %d bytes", maxPair)
	}
	var chain, key bytes.Buffer
	for rest := content; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		into := &key
		if block.Type == "CERTIFICATE" {
			into = &chain
		}
		if err := pem.Encode(into, &pem.Block{Type: block.Type, Bytes: block.Bytes}); err != nil {
			return Pair{}, fmt.Errorf("reading the certificate: %w", err)
		}
	}
	switch {
	case chain.Len() == 0:
		return Pair{}, errors.New("there is no certificate in it; want its chain and its private key in PEM")
	case key.Len() == 0:
		return Pair{}, errors.New("there is no private key in it; want the certificate's chain and its private key in PEM")
	}
	pair, err := tls.X509KeyPair(chain.Bytes(), key.Bytes())
	if err != nil {
		return Pair{}, fmt.Errorf("reading the certificate: %w", err)
	}
	all := slices.Concat(chain.Bytes(), key.Bytes())
	sum := sha256.Sum256(all)
	return Pair{PEM: all, Leaf: pair.Leaf, ID: hex.EncodeToString(sum[:8])}, nil
}

// lifetime is the time for which the certificate is valid.
func (p Pair) lifetime() time.Duration { return p.Leaf.NotAfter.Sub(p.Leaf.NotBefore) }

// expired reports whether the certificate has ended.
func (p Pair) expired(now time.Time) bool { return !now.Before(p.Leaf.NotAfter) }

// newer reports whether p ends later than other. Any pair is newer than none.
func (p *Pair) newer(other *Pair) bool {
	return p != nil && (other == nil || p.Leaf.NotAfter.After(other.Leaf.NotAfter))
}

// serial returns the serial number in hexadecimal.
func (p Pair) serial() string { return hex.EncodeToString(p.Leaf.SerialNumber.Bytes()) }

// issuer returns the issuer's name.
func (p Pair) issuer() string {
	name := p.Leaf.Issuer
	switch {
	case name.CommonName == "":
		return name.String()
	case len(name.Organization) > 0:
		return name.Organization[0] + " " + name.CommonName
	default:
		return name.CommonName
	}
}
