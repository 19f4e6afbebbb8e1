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
func (s WorkloadSettings) readGateCA(r deploy.Request) ([]byte, error) {
	path := s.GateCA
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

// gateCA returns the result of readGateCA. Check has reported its errors.
func (a *WorkloadArgs) gateCA() []byte {
	content, err := a.Settings.readGateCA(a.Request)
	if err != nil {
		return nil
	}
	return content
}
