package image

import (
	"bytes"
	"encoding/pem"
	"sync"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// certificates returns the certificate authorities that the service trusts:
// Mozilla's, from a Go module. The authorities of the build computer would make
// a different image on each computer. An update of the module's version in
// go.mod renews them.
//
// Authorities that Mozilla trusts only under a condition are left out, as a
// certificate file cannot express the condition.
var certificates = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return b.Bytes()
})
