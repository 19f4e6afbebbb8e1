package https

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const name = "api.escala.test"

// answer is the answer of a machine, without the body.
type answer struct {
	StatusCode int
	Proto      string
	Header     http.Header
}

// get requests a URL from a machine at an address, whatever the URL's host.
func get(t *testing.T, address string, config *tls.Config, url string) (answer, string) {
	t.Helper()
	client := &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			TLSClientConfig: config, ForceAttemptHTTP2: true, DisableKeepAlives: true,
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, network, address)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Proto, resp.Header}, string(content)
}

func TestFirstCertificate(t *testing.T) {
	t.Parallel()
	s := newStack(t, time.Hour)
	spec := spec(name)
	spec.TLS.HSTS = time.Hour
	spec.TLS.Names = []string{"www.escala.test", "missing.escala.test"}
	b := newBox(t, "one", s.machine(spec), s.shared)
	s.pointTo(b)
	b.startNginx()

	// Before the first certificate, plain HTTP serves, and Nginx has a self-signed
	// certificate.
	resp, body := get(t, b.http, nil, "http://"+name+"/x")
	assert.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, name+" http HTTP/1.1", body)
	_, err := serial(b.https, name, s.trusting())
	require.ErrorContains(t, err, "x509")

	b.startAgent()
	s.certified(b, name)
	s.certified(b, "www.escala.test")
	eventually(t, 30*time.Second, func() error {
		c, err := b.status()
		switch {
		case err != nil:
			return err
		case fmt.Sprint(c.Names, c.Missing) != "[api.escala.test www.escala.test] [missing.escala.test]":
			return fmt.Errorf("%v, and not %v: %s", c.Names, c.Missing, c.Error)
		case !strings.Contains(c.Error, "missing.escala.test"):
			return fmt.Errorf("the error is %q", c.Error)
		}
		return nil
	})

	resp, body = get(t, b.https, s.trusting(), "https://"+name+"/x")
	assert.Equal(t, name+" https HTTP/1.1", body)
	assert.Equal(t, "HTTP/2.0", resp.Proto)
	assert.Equal(t, "max-age=3600", resp.Header.Get("Strict-Transport-Security"))

	for url, want := range map[string]string{
		"http://" + name + "/x?a=b":                          "308 https://" + name + "/x?a=b",
		"http://www.escala.test/":                            "308 https://www.escala.test/",
		"http://missing.escala.test/":                        "200 ",
		"http://192.0.2.1/":                                  "200 ",
		"http://" + name + "/-/release":                      "200 ",
		"http://" + name + "/.well-known/acme-challenge/no/": "404 ",
	} {
		resp, _ := get(t, b.http, nil, url)
		assert.Equal(t, want, fmt.Sprintf("%d %s", resp.StatusCode, resp.Header.Get("Location")), url)
		assert.Empty(t, resp.Header.Get("Strict-Transport-Security"), url)
	}
	// An authority validates the next certificate by plain HTTP.
	resp, body = get(t, b.http, nil, "http://"+name+"/.well-known/acme-challenge/token_-1")
	assert.Equal(t, 200, resp.StatusCode)
	assert.Regexp(t, `^token_-1\.[A-Za-z0-9_-]{43}$`, body)

	// Only root may read a key, on the disk and on the way to Nginx.
	for path, mode := range map[string]os.FileMode{
		"/var/lib/escala/certificates":                  0o700 | os.ModeDir,
		"/var/lib/escala/certificates/" + name + ".pem": 0o600,
		"/run/escala-certificates":                      0o700 | os.ModeDir,
		"/run/escala-certificates/self-signed.pem":      0o600,
		"/run/escala-release/https/" + name:             0o644,
	} {
		info, err := os.Stat(b.root + path)
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode(), path)
	}
	objects, err := filepath.Glob(filepath.Join(s.shared, "certificates", "*", "certificate"))
	require.NoError(t, err)
	require.Len(t, objects, 3, "two certificates, and the refusals of the missing name")
	for _, object := range objects {
		content, err := os.ReadFile(object)
		require.NoError(t, err)
		assert.NotContains(t, string(content), "PRIVATE KEY")
	}
}
