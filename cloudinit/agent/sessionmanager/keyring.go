package sessionmanager

import (
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// armored has the public keys that Amazon signs the package with, as its own
// software has them (aws/eks-hybrid, internal/ssm) and as "Verifying the
// signature of SSM Agent" publishes them:
//
//	4855 A9E6 8332 16D6 A77D  8FE4 51A8 E050 D005 2E5D  of 2025-01-22, until 2026-07-15
//	1C5B 395C BE5E 74E2 F1CA  2159 2784 DBF3 88D1 9D46  of 2026-06-04, until 2027-11-25
//
// Amazon publishes the next key before the last one expires. It belongs below
// them.
//
//go:embed amazon-ssm-agent.asc
var armored string

const (
	blockBegin = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"
	blockEnd   = "-----END PGP PUBLIC KEY BLOCK-----"
)

// Keyring returns Amazon's public keys as gpgv reads them: without armor.
func Keyring() ([]byte, error) {
	var ring []byte
	blocks := strings.Split(armored, blockBegin)
	for _, block := range blocks[1:] {
		block, _, ended := strings.Cut(block, blockEnd)
		if !ended {
			return nil, errors.New("a public key of Session Manager is incomplete")
		}
		// A checksum ends the armor.
		body, _, _ := strings.Cut(block, "\n=")
		key, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return nil, fmt.Errorf("reading a public key of Session Manager: %w", err)
		}
		ring = append(ring, key...)
	}
	return ring, nil
}
