// Package acme orders certificates from an ACME authority (RFC 8555) with HTTP-01
// challenges that need no state: all machines of a stack use the same account, so
// each of them answers every challenge with the token and the account's thumbprint.
package acme

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"

	"escala/cloudinit/agent/certificate"
)

// shortLived is the profile of certificates for addresses, which Let's Encrypt
// issues for six days only (letsencrypt.org, "Profiles").
const shortLived = "shortlived"

// pollTimeout bounds the wait for the authority's validation and issuance.
const pollTimeout = 2 * time.Minute

// Client is an account at an authority.
type Client struct {
	settings certificate.Settings
	account  *ecdsa.PrivateKey
	http     *http.Client
	waits    *transport
}

var _ certificate.Authority = (*Client)(nil)

// New returns the client of an account. It sends nothing.
func New(s certificate.Settings, account *ecdsa.PrivateKey) (*Client, error) {
	t, err := newTransport(s.Roots)
	if err != nil {
		return nil, err
	}
	return &Client{settings: s, account: account, http: &http.Client{Transport: t, Timeout: time.Minute}, waits: t}, nil
}

// client returns a client of the library. Each order has its own, because
// authorities forget nonces: no nonce is used after its order.
func (c *Client) client() *acmez.Client {
	return &acmez.Client{
		Client: &acme.Client{
			Directory: c.settings.Directory, HTTPClient: c.http, UserAgent: "escala-agent",
			PollInterval: time.Second, PollTimeout: pollTimeout,
		},
		ChallengeSolvers: map[string]acmez.Solver{acme.ChallengeTypeHTTP01: stateless{}},
	}
}

// Order orders a certificate for a host name or an address.
func (c *Client) Order(ctx context.Context, subject string, key crypto.Signer, replaces *x509.Certificate) ([]byte, error) {
	c.waits.forget()
	chain, err := c.order(ctx, subject, key, replaces)
	if err != nil {
		return nil, c.explain(err)
	}
	return chain, nil
}

func (c *Client) order(ctx context.Context, subject string, key crypto.Signer, replaces *x509.Certificate) ([]byte, error) {
	client := c.client()
	account := acme.Account{TermsOfServiceAgreed: true, PrivateKey: c.account}
	if c.settings.Email != "" {
		account.Contact = []string{"mailto:" + c.settings.Email}
	}
	// The authority returns an existing account for its key (RFC 8555, 7.3.1).
	account, err := client.NewAccount(ctx, account)
	if err != nil {
		return nil, err
	}
	request, err := acmez.NewCSR(key, []string{subject})
	if err != nil {
		return nil, err
	}
	order, err := acmez.OrderParametersFromCSR(account, request)
	if err != nil {
		return nil, err
	}
	if net.ParseIP(subject) != nil {
		order.Profile = shortLived
	}
	directory, err := client.GetDirectory(ctx)
	if err != nil {
		return nil, err
	}
	if directory.RenewalInfo != "" && replaces != nil && len(replaces.AuthorityKeyId) > 0 {
		order.Replaces = replaces
	}
	chains, err := client.ObtainCertificate(ctx, order)
	if problem, ok := errors.AsType[acme.Problem](err); ok && order.Replaces != nil && unknownPredecessor(problem) {
		// The authority does not know the certificate, or no longer.
		order.Replaces = nil
		chains, err = client.ObtainCertificate(ctx, order)
	}
	if err != nil {
		return nil, err
	}
	if len(chains) == 0 {
		return nil, errors.New("the authority returned no certificate")
	}
	return chains[0].ChainPEM, nil
}

// unknownPredecessor reports whether an order failed because of the certificate that
// it replaces.
func unknownPredecessor(p acme.Problem) bool {
	return p.Status == http.StatusNotFound || p.Type == acme.ProblemTypeMalformed
}

// Window returns the authority's renewal information of a certificate.
func (c *Client) Window(ctx context.Context, leaf *x509.Certificate) (certificate.Window, error) {
	if len(leaf.AuthorityKeyId) == 0 {
		return certificate.Window{}, errors.New("the certificate does not name its authority's key")
	}
	info, err := c.client().GetRenewalInfo(ctx, leaf)
	if err != nil {
		return certificate.Window{}, fmt.Errorf("asking when to renew the certificate: %w", err)
	}
	w := certificate.Window{Start: info.SuggestedWindow.Start, End: info.SuggestedWindow.End}
	if info.RetryAfter != nil {
		w.Again = time.Until(*info.RetryAfter)
	}
	return w, nil
}

// explain returns a certificate.Refusal if the authority refused, and another error
// if it did not answer or failed. It removes details that only a programmer needs.
func (c *Client) explain(err error) error {
	name := c.settings.Directory
	if u, parsed := url.Parse(name); parsed == nil {
		name = u.Hostname()
	}
	problem, ok := errors.AsType[acme.Problem](err)
	if !ok {
		return fmt.Errorf("the authority %s does not answer: %w", name, err)
	}
	if problem.Status >= http.StatusInternalServerError {
		return fmt.Errorf("the authority %s fails: %s", name, problem.Detail)
	}
	details := []string{problem.Detail}
	for _, sub := range problem.Subproblems {
		details = append(details, sub.Detail)
	}
	return &certificate.Refusal{Err: fmt.Errorf("the authority %s refuses: %s", name, strings.Join(details, "; ")), Wait: c.waits.wait()}
}

// stateless solves HTTP-01. It does nothing, because Nginx can answer every
// challenge before it is known.
type stateless struct{}

var _ acmez.Solver = stateless{}

func (stateless) Present(context.Context, acme.Challenge) error { return nil }

func (stateless) CleanUp(context.Context, acme.Challenge) error { return nil }
