package acme

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"escala/cloudinit/agent/certificate"
)

// Reacher sends a request to a subject by plain HTTP, as an authority does, and
// compares the answer with the stack's. This costs the authority nothing, and shows
// an operator a wrong DNS record before the authority counts a failure.
type Reacher struct {
	// Dial connects. Default: the machine's own network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Lookup resolves a name. Default: the machine's own resolver.
	Lookup func(ctx context.Context, name string) ([]string, error)
}

const (
	reachTimeout = 10 * time.Second
	reachLimit   = 1 << 10
)

// Reach returns nil if the subject leads to a machine with this thumbprint.
func (r Reacher) Reach(ctx context.Context, subject, thumbprint string) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	addresses, err := r.addresses(ctx, subject)
	if err != nil {
		return err
	}
	token := make([]byte, 16)
	_, _ = rand.Read(token)
	text := "escala-" + hex.EncodeToString(token)
	got, status, err := r.get(ctx, "http://"+bracketed(subject)+certificate.ChallengePath+text)
	where := subject
	if len(addresses) > 0 {
		where += " resolves to " + strings.Join(addresses, ", ") + ", which"
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s does not answer on port 80: %w", where, innermost(err))
	case status != http.StatusOK || got != text+"."+thumbprint:
		return fmt.Errorf("%s is not a machine of this stack (it answers a challenge with status %d)", where, status)
	}
	return nil
}

// addresses resolves a name. It returns none for a subject that is an address.
func (r Reacher) addresses(ctx context.Context, subject string) ([]string, error) {
	if net.ParseIP(subject) != nil {
		return nil, nil
	}
	lookup := r.Lookup
	if lookup == nil {
		lookup = net.DefaultResolver.LookupHost
	}
	addresses, err := lookup(ctx, subject)
	var missing *net.DNSError
	switch {
	case errors.As(err, &missing) && missing.IsNotFound:
		return nil, fmt.Errorf("%s has no address yet: its DNS record is missing", subject)
	case err != nil:
		return nil, fmt.Errorf("%s cannot be resolved: %w", subject, err)
	}
	return addresses, nil
}

func (r Reacher) get(ctx context.Context, url string) (string, int, error) {
	client := &http.Client{
		Transport:     &http.Transport{DialContext: r.Dial, DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", 0, err
	}
	resp, err := client.Do(request)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, reachLimit))
	return strings.TrimSpace(string(content)), resp.StatusCode, err
}

// bracketed returns the subject as the host of a URL, with an IPv6 address in
// brackets.
func bracketed(subject string) string {
	if strings.Contains(subject, ":") {
		return "[" + subject + "]"
	}
	return subject
}

// innermost returns the innermost error, which has the cause without the URL.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
