package provider

import (
	"crypto/rand"
	"encoding/hex"
)

// uniqueName appends a random suffix to the resource's name, so that a
// replacement can exist beside the old resource.
func uniqueName(name string) string {
	b := make([]byte, 4)
	_, _ = rand.Read(b) // never fails, by its documentation
	return name + "-" + hex.EncodeToString(b)
}
