package image

import (
	"bytes"
	"encoding/pem"
	"sync"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// certificates are the authorities that the service trusts, Mozilla's, from a
// module: those of the computer that builds would make another image on each.
// They are renewed with the module's version in go.mod.
//
// Authorities that Mozilla trusts on a condition only are left out, as a file
// of certificates cannot say the condition.
var certificates = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return b.Bytes()
})
