package request

import (
	"crypto/ed25519"
	"fmt"
	"time"
)

// MaxPage is the size in bytes of the largest page for a maintenance.
const MaxPage = 64 << 10

// Maintenance is the stack's setting to answer requests with a page instead of the
// service. It stays in the store, so a machine that is rebooted or replaced follows
// it too.
type Maintenance struct {
	On bool `json:"on"`
	// At is the time of the change in milliseconds since 1970. A machine ignores an
	// object that is older than the last one.
	At int64 `json:"at"`
	// Page is HTML. If it is empty, the page only states that the service is being
	// maintained.
	Page []byte `json:"page,omitempty"`
}

// NewMaintenance returns the setting. after is the one that it replaces.
func NewMaintenance(on bool, page []byte, now time.Time, after Maintenance) (Maintenance, error) {
	if len(page) > MaxPage {
		return Maintenance{}, fmt.Errorf("the page has %d bytes, and %d is the most", len(page), MaxPage)
	}
	return Maintenance{On: on, At: max(now.UnixMilli(), after.At+1), Page: page}, nil
}

// SignMaintenance returns the object for MaintenanceKey.
func (k Key) SignMaintenance(m Maintenance) ([]byte, error) { return k.sign(forMaintenance, m) }

// Maintenance reads an object of MaintenanceKey.
func (k Key) Maintenance(object []byte) (Maintenance, error) {
	var m Maintenance
	err := verify(k.private.Public().(ed25519.PublicKey), forMaintenance, object, &m)
	return m, err
}
