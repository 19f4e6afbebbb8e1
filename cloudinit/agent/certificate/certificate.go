// Package certificate gets, keeps and renews the certificates of a machine.
//
// A Keeper works beside the agent's rounds and never holds them up. For each
// subject (a host name, or the machine's address) it looks at the disk and in the
// release store, and orders from an ACME authority only what it finds in neither
// or what is due. One machine of a stack orders, and all of them serve the result.
// Everything that machines share is derived from one secret, the Seed: the ACME
// account, the key of the objects in the store, the keys of session tickets. So a
// new machine answers challenges that an old one asked for, and a machine that is
// replaced costs no order.
//
// The package decides when to ask and what to do with the answer. It speaks to the
// authority, the store, the disk and the proxy through interfaces, so that tests
// run months of a machine's life in memory. Package acme speaks ACME.
// docs/decisions/0009 has why by mholt/acmez and not by certmagic.
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
	// With them, the Keeper does not look whether the subject leads here before it
	// orders: a private authority may see other names than this machine.
	Roots string `json:"roots,omitempty"`
}

// Validate reports settings that no certificate can come from.
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
	// key. replaces is the certificate that it renews, or nil. An answer of the
	// authority that counts there is a *Refusal.
	Order(ctx context.Context, subject string, key crypto.Signer, replaces *x509.Certificate) ([]byte, error)
	// Window returns the time in which the authority wants a certificate to be
	// renewed. It is an error if the authority has no such word.
	Window(ctx context.Context, leaf *x509.Certificate) (Window, error)
}

// Refusal is an answer of the authority that is no certificate.
type Refusal struct {
	Err error
	// Wait is the time that the authority wants before the next order. 0 if it
	// named none.
	Wait time.Duration
}

// Error returns the authority's words.
func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Err }

// Authorities makes an Authority for the account with this key.
type Authorities func(account *ecdsa.PrivateKey) (Authority, error)

// Disk keeps files on the machine that only root can read.
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
	// Serve makes the proxy serve this, and nothing else. It does nothing if the
	// proxy does so already. An error means that the proxy serves what it served
	// before, at least for one subject; ErrNoProxy that it does not run.
	Serve(ctx context.Context, s Serving) error
}

// ErrNoProxy means that there is no proxy. Nothing is ordered then, since nothing
// would answer the challenge: a new machine starts its agent before Nginx.
var ErrNoProxy = errors.New("the proxy does not run")

// Serving is what the proxy serves.
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
