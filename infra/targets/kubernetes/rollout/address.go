package rollout

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"escala/infra/deploy/https"
)

// public returns the public URL, the Ingress' own address, and what is missing
// there. onIngress reports that the Ingress, and not the pods, explains what is
// missing.
func (r Rollout) public(ctx context.Context, c *client) (base, at, missing string, onIngress bool) {
	base = r.URL
	dial := ""
	if base == "" || r.Addressed {
		var i ingress
		err := c.get(ctx, "/apis/networking.k8s.io/v1/namespaces/"+r.Namespace+"/ingresses/"+r.Ingress, nil, &i)
		if err != nil {
			return "", "", err.Error(), true
		}
		if at = i.address(); at == "" {
			return "", "", fmt.Sprintf("ingress %s has no address yet: %s", r.Ingress, addressSource(i.Spec.IngressClassName)), true
		}
	}
	if base == "" {
		dial = net.JoinHostPort(at, r.port())
		base = r.Scheme + "://" + bracketed(at)
		if r.Host != "" {
			base = r.Scheme + "://" + r.Host
		}
	}
	base = strings.TrimSuffix(base, "/")
	switch r.Probe {
	case ProbeNone:
		return base, at, "", false
	case ProbePods:
		return base, at, r.askPods(ctx, c), false
	}
	missing = r.ask(ctx, base, dial)
	return base, at, missing, missing != ""
}

// port returns the scheme's default port.
func (r Rollout) port() string {
	switch {
	case r.dialPort != "":
		return r.dialPort
	case r.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

func addressSource(class string) string {
	if class == "" {
		return "it names no class, so an ingress controller has to be the cluster's default"
	}
	return "the ingress controller of class " + class + " assigns it"
}

func bracketed(host string) string {
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		return "[" + host + "]"
	}
	return host
}

// ask returns what is missing at the address, or "" if it serves the release.
// dial is the address to connect to, even if DNS does not know base's host yet.
func (r Rollout) ask(ctx context.Context, base, dial string) string {
	transport := &http.Transport{
		// Each request opens a new connection, so that it reaches where the address
		// leads now.
		DisableKeepAlives: true, Proxy: nil,
		TLSClientConfig: r.trust(),
	}
	if dial != "" {
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, dial)
		}
	}
	client := &http.Client{
		Timeout: 5 * time.Second, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	at := base + r.HealthPath
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err.Error()
	}
	req.Host = r.Host
	resp, err := client.Do(req)
	if err != nil {
		if wrapped := new(url.Error); errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return fmt.Sprintf("%s does not answer: %s", at, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Sprintf("%s answers %s", at, resp.Status)
	}
	return r.wrongRelease(at, resp.Header)
}

// askPods does the same as ask, but through the cluster's API.
func (r Rollout) askPods(ctx context.Context, c *client) string {
	at := "/api/v1/namespaces/" + r.Namespace + "/services/" + r.Deployment + ":http/proxy" + r.HealthPath
	_, header, err := c.read(ctx, at, nil)
	if err != nil {
		return fmt.Sprintf("service %s does not answer: %s", r.Deployment, err)
	}
	return r.wrongRelease("service "+r.Deployment, header)
}

// trust returns the TLS configuration with this computer's authorities and those of
// CA, or nil without CA. With an issued certificate it accepts any certificate,
// because certified checks that one.
func (r Rollout) trust() *tls.Config {
	if r.Issued {
		return &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true} //nolint:gosec // see certified
	}
	if len(r.CA) == 0 {
		return nil
	}
	roots, err := https.Roots(r.CA)
	if err != nil {
		return nil
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// wrongRelease describes the other release that answers, or returns "".
func (r Rollout) wrongRelease(at string, header http.Header) string {
	got := header.Get("X-Release")
	if len(r.Releases) > 0 && !slices.Contains(r.Releases, got) {
		if got == "" {
			got = "no release"
		}
		return fmt.Sprintf("%s answers as %.12s", at, got)
	}
	return ""
}
