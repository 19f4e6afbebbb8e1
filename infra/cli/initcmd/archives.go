package initcmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// plainURL matches a URL without characters that have a meaning in make, a shell or
// YAML.
var plainURL = regexp.MustCompile(`^https?://[A-Za-z0-9._~:/@%+-]+$`)

// checkArchives checks the URL of the archives. The checksums come from there, so it
// must be https. http is accepted for this computer alone, where tests have servers.
func (r *Repository) checkArchives() error {
	if r.Archives == "" {
		return nil
	}
	u, err := url.Parse(r.Archives)
	ok := err == nil && plainURL.MatchString(r.Archives)
	if ok && u.Scheme == "http" {
		address, err := netip.ParseAddr(u.Hostname())
		ok = u.Hostname() == "localhost" || err == nil && address.IsLoopback()
	}
	if !ok {
		return fmt.Errorf("--archives: %q is not the https:// URL of a folder; for example \"https://example.com/escala/v1.2.3\"", r.Archives)
	}
	return nil
}

// maxSums is more than the size of any checksums.txt, in bytes.
const maxSums = 1 << 20

// sumLine matches a line of sha256sum's output.
var sumLine = regexp.MustCompile(`^[0-9a-f]{64}  \S+\n?$`)

// sums fetches the checksums of the release's archives.
func (r Repository) sums() ([]byte, error) {
	content, err := r.fetchSums()
	if err != nil {
		return nil, fmt.Errorf("reading the checksums of escala's archives: %w", err)
	}
	return content, nil
}

func (r Repository) fetchSums() ([]byte, error) {
	client := http.Client{Timeout: time.Minute, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if len(via) >= 10 {
			return errors.New("it redirects without an end")
		}
		if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
			return errors.New("it redirects to plain HTTP")
		}
		return nil
	}}
	file := strings.TrimSuffix(r.Archives, "/") + "/checksums.txt"
	resp, err := client.Get(file) //nolint:noctx // the client has a timeout
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", file, resp.Status)
	}
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxSums+1))
	if err != nil {
		return nil, err
	}
	if len(content) == 0 || len(content) > maxSums {
		return nil, fmt.Errorf("%s is no list of SHA-256 checksums: it has %d bytes", file, len(content))
	}
	for line := range bytes.Lines(content) {
		if !sumLine.Match(line) {
			return nil, fmt.Errorf("%s is no list of SHA-256 checksums: it has the line %.80q", file, line)
		}
	}
	return content, nil
}
