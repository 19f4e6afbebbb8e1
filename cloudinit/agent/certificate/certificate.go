// Package certificate obtains, stores and renews the certificates of a machine.
//
// A Keeper works beside the agent's rounds and never delays them. For each subject
// (a host name, or the machine's address) it reads the disk and the release store.
// It orders a certificate from an ACME authority only if both have none, or if the
// renewal is due. One machine of a stack orders, and all of them serve the result.
// Everything that the machines share is derived from one secret, the Seed: the ACME
// account, the key of the objects in the store, and the keys of session tickets. So
// a new machine answers challenges that an old one requested, and replacing a
// machine costs no order.
//
// The package decides when to order and what to do with the answer. It uses the
// authority, the store, the disk and the proxy through interfaces, so that tests run
// months of a machine's life in memory. Package acme implements the authority.
// docs/decisions/0009 explains the choice of mholt/acmez over certmagic.
package certificate

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"escala/service"
)

// Settings describe the certificates of a machine, in the agent's configuration.
type Settings struct {
	Mode service.TLSMode `json:"mode"`
	// Subjects are the host names, the host first. In service.TLSIP mode it is
	// the machine's public address.
	Subjects []string `json:"subjects"`
	// Directory is the URL of the authority's ACME directory. Email is the
	// account's contact, or "". Both are for service.TLSACME and TLSIP.
	Directory string `json:"directory,omitempty"`
	Email     string `json:"email,omitempty"`
	// Roots are the authority's root certificates in PEM. Default: the system's.
	// With them, the Keeper does not check whether the subject leads here before it
	// orders: a private authority may resolve names differently from this machine.
	Roots string `json:"roots,omitempty"`
}

// Validate reports settings with which no certificate can be obtained.
func (s Settings) Validate() error {
	switch {
	case len(s.Subjects) == 0:
		return errors.New("the certificate's settings have no subject")
	case s.Mode == service.TLSCertificate:
		return nil
	case s.Mode != service.TLSACME && s.Mode != service.TLSIP:
		return fmt.Errorf("the certificate's settings have the mode %q", s.Mode)
	case s.Directory == "":
		return errors.New("the certificate's settings have no authority")
	}
	return nil
}

// Authority issues certificates.
type Authority interface {
	// Order returns the chain in PEM of a new certificate for the subject and the
	// key. replaces is the certificate that it renews, or nil. The error is a
	// *Refusal if the authority answered and counts the order as a failure.
	Order(ctx context.Context, subject string, key crypto.Signer, replaces *x509.Certificate) ([]byte, error)
	// Window returns the time in which the authority wants a certificate to be
	// renewed. It is an error if the authority gives no such time.
	Window(ctx context.Context, leaf *x509.Certificate) (Window, error)
}

// Refusal is the error of an order that the authority refused.
type Refusal struct {
	Err error
	// Wait is the time that the authority wants before the next order. It is 0 if
	// the authority gave none.
	Wait time.Duration
}

// Error returns the authority's message.
func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Err }

// Authorities returns an Authority for the account with this key.
type Authorities func(account *ecdsa.PrivateKey) (Authority, error)

// Disk stores files on the machine that only root can read.
type Disk interface {
	// Read returns a file. The error of a missing file is fs.ErrNotExist.
	Read(name string) ([]byte, error)
	// Write replaces a file, atomically.
	Write(name string, content []byte) error
}

// Secrets returns the stack's secrets for HTTPS. Errors contain no secret.
type Secrets interface {
	// Seed returns the text of the Seed.
	Seed(ctx context.Context) (string, error)
	// Own returns the operator's own certificate and key, in PEM.
	Own(ctx context.Context) (string, error)
}

// Proxy serves the certificates.
type Proxy interface {
	// Serve makes the proxy serve s, and nothing else. It does nothing if the proxy
	// does so already. An error means that the proxy still serves what it served
	// before, at least for one subject. The error is ErrNoProxy if the proxy does
	// not run.
	Serve(ctx context.Context, s Serving) error
}

// ErrNoProxy means that the proxy does not run. The Keeper then orders nothing,
// because nothing would answer the challenge: a new machine starts its agent before
// Nginx.
var ErrNoProxy = errors.New("the proxy does not run")

// Serving is the content that the proxy serves.
type Serving struct {
	// Thumbprint is the part of a challenge's answer that is the same for all
	// challenges. It is "" without an authority.
	Thumbprint string
	// Tickets is the key of session tickets (TicketKeyBytes), or empty.
	Tickets []byte
	// Files are the certificates by subject, in the form of File.
	Files map[string][]byte
	// Valid are the subjects whose certificate is valid now. Plain HTTP for them is
	// redirected.
	Valid []string
}

// Reach reports why a challenge for the subject would not reach a machine of this
// stack: no DNS record, another server, a closed port. It is nil if it would.
type Reach func(ctx context.Context, subject, thumbprint string) error

// Clock is the machine's clock. The wall clock may be wrong and may be set.
type Clock interface {
	Now() time.Time
	// Elapsed is a monotonic time.
	Elapsed() time.Duration
	// Sleep waits for d. It returns ctx's error if ctx ends first.
	Sleep(ctx context.Context, d time.Duration) error
}
