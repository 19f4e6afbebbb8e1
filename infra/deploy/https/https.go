// Package https checks from outside whether a service serves HTTPS: which
// certificate an address presents, and whether the service's names lead to that
// address. Machines and clusters use it.
package https

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// connectTimeout is the time limit for one connection and its handshake.
const connectTimeout = 5 * time.Second

// Check describes a check of an address.
type Check struct {
	// Address is the host or IP address to connect to, with its port.
	Address string
	// Names are the names that need a certificate: host names, or one IP
	// address. At least one.
	Names []string
	// CA are certificate authorities, in PEM, that are trusted in addition to
	// those of this computer. Optional.
	CA []byte

	// now replaces the clock in tests.
	now func() time.Time
}

// Certificate returns nil if the address presents a trusted certificate that is
// valid now for each of the names. It does not look names up in DNS. The error
// describes what is wrong and begins with the name.
func (l Check) Certificate(ctx context.Context) error {
	roots, err := Roots(l.CA)
	if err != nil {
		return err
	}
	for _, name := range l.Names {
		if err := l.presented(ctx, name, roots); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// presented checks the certificate for one name.
func (l Check) presented(ctx context.Context, name string, roots *x509.CertPool) error {
	own, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{
		ServerName: name, MinVersion: tls.VersionTLS12,
		// The chain is verified below, so that the error can describe the certificate
		// that is presented.
		InsecureSkipVerify: true, //nolint:gosec // verified below
	}}
	conn, err := dialer.DialContext(own, "tcp", l.Address)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%s does not answer HTTPS: %w", l.Address, withoutAddresses(err))
	}
	defer conn.Close()
	chain := conn.(*tls.Conn).ConnectionState().PeerCertificates
	if len(chain) == 0 {
		return fmt.Errorf("%s presents no certificate", l.Address)
	}
	return l.verify(name, chain, roots)
}

func (l Check) verify(name string, chain []*x509.Certificate, roots *x509.CertPool) error {
	now := time.Now()
	if l.now != nil {
		now = l.now()
	}
	leaf := chain[0]
	switch {
	case leaf.VerifyHostname(name) != nil:
		return fmt.Errorf("the certificate is for %s", certificateNames(leaf))
	case now.After(leaf.NotAfter):
		return fmt.Errorf("the certificate has expired on %s", leaf.NotAfter.UTC().Format(time.DateOnly))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("the certificate is valid from %s on; is the clock of this computer right?", leaf.NotBefore.UTC().Format(time.RFC3339))
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: between, CurrentTime: now})
	if unknown := new(x509.UnknownAuthorityError); errors.As(err, unknown) {
		return fmt.Errorf("the certificate is issued by %s, which this computer does not trust", issuer(leaf))
	}
	return err
}

// certificateNames returns the names that a certificate is for.
func certificateNames(c *x509.Certificate) string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return fmt.Sprintf("%q", c.Subject.CommonName)
	}
	return strings.Join(names, ", ")
}

func issuer(c *x509.Certificate) string {
	if c.Issuer.CommonName != "" {
		return fmt.Sprintf("%q", c.Issuer.CommonName)
	}
	return fmt.Sprintf("%q", c.Issuer.String())
}

// Roots returns this computer's authorities together with those of ca, which is
// PEM and may be empty.
func Roots(ca []byte) (*x509.CertPool, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if len(ca) > 0 && !roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("the certificate authorities are not in PEM")
	}
	return roots, nil
}

// withoutAddresses removes the addresses that a network error repeats.
func withoutAddresses(err error) error {
	if op := new(net.OpError); errors.As(err, &op) {
		return op.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s", connectTimeout)
	}
	return err
}
