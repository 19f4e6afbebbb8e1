package host

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"escala/cloudinit/agent/certificate"
)

// nginx hands certificates to Nginx, over a socket that only root reaches
// (machine/certificates.lua is the other side).
type nginx struct {
	valid string
	http  *http.Client
}

var _ certificate.Proxy = (*nginx)(nil)

const nginxTimeout = 5 * time.Second

func newNginx(r Root) *nginx {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", r.path(CertificatesSocket))
	}
	return &nginx{
		valid: r.path(ValidFolder),
		http:  &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: nginxTimeout},
	}
}

// Serve replaces what Nginx does not have yet.
func (n *nginx) Serve(ctx context.Context, s certificate.Serving) error {
	has, err := n.state(ctx)
	if err != nil {
		return fmt.Errorf("asking Nginx for its certificates: %w: %w", certificate.ErrNoProxy, err)
	}
	var failed []error
	if s.Thumbprint != "" && has["thumbprint"] != s.Thumbprint {
		failed = append(failed, n.put(ctx, "/thumbprint", []byte(s.Thumbprint)))
	}
	if len(s.Tickets) > 0 && has["tickets"] != base64.StdEncoding.EncodeToString(s.Tickets) {
		failed = append(failed, n.put(ctx, "/tickets", s.Tickets))
	}
	for _, subject := range slices.Sorted(maps.Keys(s.Files)) {
		file := s.Files[subject]
		line, _, _ := strings.Cut(string(file), "\n")
		if id := strings.TrimPrefix(line, "# "); has["id "+subject] != id {
			failed = append(failed, n.put(ctx, "/certificate/"+url.PathEscape(subject), file))
		}
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("giving Nginx its certificates: %w", err)
	}
	return n.redirect(s.Valid)
}

// answerLimit is larger than Nginx' list of the most subjects, in bytes.
const answerLimit = 64 << 10

// state returns the state that Nginx reports.
func (n *nginx) state(ctx context.Context) (map[string]string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://nginx/", nil)
	if err != nil {
		return nil, err
	}
	resp, err := n.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	has := map[string]string{}
	lines := bufio.NewScanner(io.LimitReader(resp.Body, answerLimit))
	for lines.Scan() {
		if i := strings.LastIndex(lines.Text(), " "); i > 0 {
			has[lines.Text()[:i]] = lines.Text()[i+1:]
		}
	}
	return has, lines.Err()
}

func (n *nginx) put(ctx context.Context, path string, content []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://nginx"+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	resp, err := n.http.Do(request)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, bytes.TrimSpace(said))
	}
	return nil
}

// redirect makes Nginx redirect plain HTTP for these subjects, and for no others.
func (n *nginx) redirect(valid []string) error {
	if err := os.MkdirAll(n.valid, 0o755); err != nil {
		return fmt.Errorf("redirecting to HTTPS: %w", err)
	}
	entries, err := os.ReadDir(n.valid)
	if err != nil {
		return fmt.Errorf("redirecting to HTTPS: %w", err)
	}
	there := map[string]bool{}
	for _, e := range entries {
		if !slices.Contains(valid, e.Name()) {
			err = errors.Join(err, os.Remove(filepath.Join(n.valid, e.Name())))
		}
		there[e.Name()] = true
	}
	for _, subject := range valid {
		if !there[subject] {
			err = errors.Join(err, os.WriteFile(filepath.Join(n.valid, subject), nil, 0o644))
		}
	}
	if err != nil {
		return fmt.Errorf("redirecting to HTTPS: %w", err)
	}
	return nil
}
