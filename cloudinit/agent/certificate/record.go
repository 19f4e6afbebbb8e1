package certificate

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// record is the content of one subject's object in the store and of its file on the
// disk.
type record struct {
	// PEM is Pair.PEM.
	PEM []byte `json:"pem"`
	// Orders are the times of the certificates that the stack got for the
	// subject, in seconds since 1970.
	Orders []int64 `json:"orders"`
	// Tries are the stack's orders that the authority may have counted as failures,
	// as in tries.At. Some may be older than tryPeriod.
	Tries []int64 `json:"tries,omitempty"`
}

// maxOrders bounds the orders that a record remembers.
const maxOrders = 64

// counted returns the record with one more order.
func (r record) counted(at time.Time) record {
	orders := append(slices.Clone(r.Orders), at.Unix())
	r.Orders = orders[max(0, len(orders)-maxOrders):]
	return r
}

// merged returns the record with the orders and tries of both.
func (r record) merged(other record) record {
	r.Orders, r.Tries = mergedTimes(r.Orders, other.Orders), mergedTimes(r.Tries, other.Tries)
	return r
}

// mergedTimes returns the last maxOrders times of both.
func mergedTimes(a, b []int64) []int64 {
	all := slices.Concat(a, b)
	slices.Sort(all)
	all = slices.Compact(all)
	return all[max(0, len(all)-maxOrders):]
}

// seal encrypts the record for one place. An object that was moved from another
// place is not accepted.
func (s Seed) seal(r record, place string) ([]byte, error) {
	plain, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("writing the certificate: %w", err)
	}
	box, err := s.box()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, box.NonceSize())
	_, _ = rand.Read(nonce)
	return box.Seal(nonce, nonce, plain, []byte(place)), nil
}

// errCorrupt means that no machine of this stack wrote an object.
var errCorrupt = errors.New("it is not what a machine of this stack wrote")

// open decrypts what seal returned.
func (s Seed) open(sealed []byte, place string) (record, error) {
	box, err := s.box()
	if err != nil {
		return record{}, err
	}
	if len(sealed) < box.NonceSize() {
		return record{}, errCorrupt
	}
	nonce, content := sealed[:box.NonceSize()], sealed[box.NonceSize():]
	plain, err := box.Open(nil, nonce, content, []byte(place))
	if err != nil {
		return record{}, errCorrupt
	}
	var r record
	if json.Unmarshal(plain, &r) != nil {
		// The decoder's error could contain a part of the key.
		return record{}, errCorrupt
	}
	return r, nil
}

func (s Seed) box() (cipher.AEAD, error) {
	block, err := aes.NewCipher(s.storageKey())
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
