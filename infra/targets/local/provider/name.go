package provider

import (
	"crypto/rand"
	"encoding/hex"
)

// uniqueName is the resource's name with a random end, so that a replacement
// can stand beside what it replaces.
func uniqueName(name string) string {
	b := make([]byte, 4)
	_, _ = rand.Read(b) // never fails, says its documentation
	return name + "-" + hex.EncodeToString(b)
}
