// Package request lets an operator ask a machine for something without a port or a
// login. The operator puts a signed object into the release store, which the
// machine polls. The machine verifies it, does what it asks for, and writes an
// answer that only the operator can read.
//
// A machine answers a request once. A request names the machine and expires, so
// putting a copy of an old object back has no effect.
package request

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"escala/cloudinit/agent/store"
)

// Keys of the objects that the operator writes.
const (
	// CurrentKey is the last request.
	CurrentKey = store.RequestsPrefix + "current"
	// MaintenanceKey is the stack's Maintenance.
	MaintenanceKey = store.RequestsPrefix + "maintenance"
)

// Kind is the kind of a request.
type Kind string

// The kinds of requests.
const (
	// Logs asks for log lines. It changes nothing.
	Logs Kind = "logs"
	// Restart asks for new processes in place of all workers.
	Restart Kind = "restart"
)

// Times of a request.
const (
	// Valid is the time for which a request is valid after it was made.
	Valid = 2 * time.Minute
	// Skew is the difference that the clocks of the operator and of the machine
	// may have.
	Skew = 2 * time.Minute
)

// Limits in bytes.
const (
	maxRequest     = 16 << 10
	maxMaintenance = 256 << 10
	// MaxAnswer is the size of the largest answer, compressed and encrypted.
	MaxAnswer = 1 << 20
)

// Request is an operator's request to one machine.
type Request struct {
	// ID is unique.
	ID string `json:"id"`
	// Machine is the cloud's id of the machine.
	Machine string `json:"machine"`
	Kind    Kind   `json:"kind"`
	// At is the time of the request in milliseconds since 1970, by the operator's
	// clock. A later request of a stack has a larger one.
	At int64 `json:"at"`
	// Logs is set for the kind Logs.
	Logs *Query `json:"logs,omitempty"`
	// Reply is the public X25519 key for which the answer is encrypted.
	Reply []byte `json:"reply"`
}

// Pending is a request with the key to its answer.
type Pending struct {
	Request
	reply hpke.PrivateKey
}

// New returns a request. after is the time of the request that it replaces in the
// store, or 0.
func New(machine string, kind Kind, now time.Time, after int64) (Pending, error) {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return Pending{}, fmt.Errorf("making the key to the answer: %w", err)
	}
	reply, err := hpke.NewDHKEMPrivateKey(private)
	if err != nil {
		return Pending{}, fmt.Errorf("making the key to the answer: %w", err)
	}
	return Pending{Request{
		ID: hex.EncodeToString(id), Machine: machine, Kind: kind,
		At: max(now.UnixMilli(), after+1), Reply: private.PublicKey().Bytes(),
	}, reply}, nil
}

// Sign returns the object for CurrentKey.
func (k Key) Sign(r Request) ([]byte, error) { return k.sign(forRequest, r) }

// Time returns the time of a request in the store that is signed with the key, and
// 0 for any other object.
func (k Key) Time(object []byte) int64 {
	var r Request
	if verify(k.private.Public().(ed25519.PublicKey), forRequest, object, &r) != nil {
		return 0
	}
	return r.At
}

// fresh returns an error for a request that is not valid at this time.
func (r Request) fresh(now time.Time) error {
	at := time.UnixMilli(r.At)
	switch {
	case now.Sub(at) > Valid+Skew:
		return fmt.Errorf("the request is from %s, and the machine's clock is at %s: it has expired, or the clocks are apart", stamp(at), stamp(now))
	case at.Sub(now) > Skew:
		return fmt.Errorf("the request is from %s, and the machine's clock is at %s: set the clocks", stamp(at), stamp(now))
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Answer is a machine's answer.
type Answer struct {
	// Error is the reason why the machine refuses the request, or "".
	Error string `json:"error,omitempty"`
	// Lines are the answer to Logs.
	Lines []Line `json:"lines,omitempty"`
	// Cursor continues after Lines.
	Cursor Cursor `json:"cursor,omitempty"`
	// More reports that there are further lines now.
	More bool `json:"more,omitempty"`
}

// AnswerName is the name of the answer among the machine's objects.
func AnswerName(kind Kind) string { return "answer-" + string(kind) }

// seal encrypts an answer for the operator who sent the request. It compresses it
// first.
func seal(id string, reply []byte, a Answer) ([]byte, error) {
	public, err := ecdh.X25519().NewPublicKey(reply)
	if err != nil {
		return nil, fmt.Errorf("reading the key for the answer: %w", err)
	}
	key, err := hpke.NewDHKEMPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("reading the key for the answer: %w", err)
	}
	text, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("writing the answer: %w", err)
	}
	packed, err := compress(text)
	if err != nil {
		return nil, fmt.Errorf("writing the answer: %w", err)
	}
	return hpke.Seal(key, hpke.HKDFSHA256(), hpke.AES256GCM(), answerInfo(id), packed)
}

// Open decrypts the answer to the request. The error of the answer to another
// request wraps ErrOther.
func (a Pending) Open(object []byte) (Answer, error) {
	packed, err := hpke.Open(a.reply, hpke.HKDFSHA256(), hpke.AES256GCM(), answerInfo(a.ID), object)
	if err != nil {
		return Answer{}, ErrOther
	}
	text, err := decompress(packed)
	if err != nil {
		return Answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	var answer Answer
	if err := json.Unmarshal(text, &answer); err != nil {
		return Answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	return answer, nil
}

// ErrOther means that an object is not the answer to this request.
var ErrOther = errors.New("the answer is to another request")

func answerInfo(id string) []byte { return []byte("escala answer 1 " + id) }
