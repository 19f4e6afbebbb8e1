package operate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"escala/service/machine"
)

// Reached is the result of a request to the service's public address.
type Reached struct {
	// Problem is the problem of the address, or "".
	Problem string
	// Certificate is the certificate that the address presented; nil for plain HTTP.
	Certificate *machine.Certificate
}

// Reach requests the service's health path at its public address, as a client would.
// The default client verifies certificates with this computer's authorities.
func Reach(ctx context.Context, s *Stack, client *http.Client) Reached {
	health := s.Text("health")
	if health == "" {
		return Reached{Problem: "the last update gave the service no address"}
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, health, nil)
	if err != nil {
		return Reached{Problem: Plain(health + ": " + err.Error())}
	}
	if client == nil {
		client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	}
	resp, err := client.Do(req)
	switch {
	case err != nil && ctx.Err() != nil:
		return Reached{Problem: fmt.Sprintf("%s does not answer within %s", Plain(health), askTimeout)}
	case err != nil:
		return Reached{Problem: fmt.Sprintf("%s does not answer: %s", Plain(health), Plain(errors.Unwrap(err).Error()))}
	}
	defer resp.Body.Close()
	var r Reached
	if resp.StatusCode != http.StatusOK {
		r.Problem = fmt.Sprintf("%s answers %d", Plain(health), resp.StatusCode)
	}
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		leaf := resp.TLS.PeerCertificates[0]
		names := make([]string, 0, len(leaf.DNSNames))
		for _, name := range leaf.DNSNames {
			names = append(names, Plain(name))
		}
		for _, ip := range leaf.IPAddresses {
			names = append(names, ip.String())
		}
		r.Certificate = &machine.Certificate{
			Names: names, Issuer: Plain(leaf.Issuer.CommonName), NotBefore: leaf.NotBefore.Unix(), NotAfter: leaf.NotAfter.Unix(),
			Serial: leaf.SerialNumber.Text(16),
		}
	}
	return r
}

// Add adds the result for the public address. A machine's own report about its
// certificate takes precedence.
func (s *Status) Add(r Reached) {
	if r.Problem != "" {
		s.Problem("%s", r.Problem)
	}
	if s.Certificate != nil || r.Certificate == nil {
		return
	}
	s.Certificate = r.Certificate
	// Nobody else reports that the certificate of a cluster or of a load balancer is
	// not renewed.
	begin, end := time.Unix(r.Certificate.NotBefore, 0), time.Unix(r.Certificate.NotAfter, 0)
	if left := end.Sub(s.Time); left > 0 && left < min(certificateSoon, end.Sub(begin)/6) {
		s.Problem("the certificate ends %s and is not renewed", end.UTC().Format(time.DateOnly))
	}
}
