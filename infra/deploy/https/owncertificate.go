package https

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// OwnCertificate is the operator's own certificate, in PEM.
type OwnCertificate struct {
	// Leaf is the certificate itself. Chain are the certificates between it and
	// its authority's root; it may be empty.
	Leaf, Chain string
	// Key is the private key.
	Key string
}

// ParseOwnCertificate reads a certificate, its chain and its private key from one PEM text. It
// returns an error if they do not belong together, or if the certificate is not
// valid for the names at the time now.
func ParseOwnCertificate(text string, names []string, now time.Time) (OwnCertificate, error) {
	var own OwnCertificate
	var chain, key bytes.Buffer
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch block.Type {
		case "CERTIFICATE":
			if err := pem.Encode(&chain, block); err != nil {
				return own, err
			}
			if own.Leaf == "" {
				own.Leaf = chain.String()
			}
		case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
			if key.Len() > 0 {
				return own, errors.New("has two private keys")
			}
			if err := pem.Encode(&key, block); err != nil {
				return own, err
			}
		case "EC PARAMETERS":
			// OpenSSL writes the curve's parameters before an EC key, which contains
			// them too.
		default:
			return own, fmt.Errorf("has a %q; a certificate with its chain and an unencrypted private key in PEM are needed", block.Type)
		}
	}
	switch {
	case own.Leaf == "":
		return own, errors.New("has no certificate in PEM (-----BEGIN CERTIFICATE-----)")
	case key.Len() == 0:
		return own, errors.New("has no private key in PEM (-----BEGIN PRIVATE KEY-----)")
	}
	own.Chain, own.Key = chain.String()[len(own.Leaf):], key.String()
	pair, err := tls.X509KeyPair(chain.Bytes(), key.Bytes())
	if err != nil {
		// The error describes a mismatch and does not quote the key.
		return own, fmt.Errorf("cannot be used: %w", err)
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return own, fmt.Errorf("cannot be used: %w", err)
	}
	for _, name := range names {
		if leaf.VerifyHostname(name) != nil {
			return own, fmt.Errorf("is for %s, not for %s", certificateNames(leaf), name)
		}
	}
	if now.After(leaf.NotAfter) {
		return own, fmt.Errorf("has expired on %s", leaf.NotAfter.UTC().Format(time.DateOnly))
	}
	return own, nil
}

// Full returns the certificate followed by its chain.
func (o OwnCertificate) Full() string { return o.Leaf + o.Chain }
