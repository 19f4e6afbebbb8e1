package kubernetes

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"escala/infra/deploy"
)

// readGateCA returns the certificate authorities that the settings name.
func (s WorkloadSettings) readGateCA(r deploy.Request) ([]byte, error) { return readCA(s.GateCA, r) }

// readCA returns the certificate authorities in a file. An empty path is no
// file.
func readCA(path string, r deploy.Request) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	if !filepath.IsAbs(path) {
		// The state folder is in the clone.
		path = filepath.Join(filepath.Dir(r.State), path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(content) {
		return nil, errors.New("has no certificate in PEM in it")
	}
	return content, nil
}

// gateCA returns the authorities of the settings and of the description that
// the gate trusts. Check has reported errors.
func (a *WorkloadArgs) gateCA() []byte {
	content, err := a.Settings.readGateCA(a.Request)
	if err != nil {
		content = nil
	}
	return append(content, a.authorityCA()...)
}

// authorityCA returns the roots of the description's own authority. Check has
// reported errors.
func (a *WorkloadArgs) authorityCA() []byte {
	content, err := readCA(a.Request.Spec.TLS.AuthorityCA, a.Request)
	if err != nil {
		return nil
	}
	return content
}
