package kubernetes

import "escala/infra/deploy"

// readGateCA returns the certificate authorities that the settings name.
func (s WorkloadSettings) readGateCA(r deploy.Request) ([]byte, error) { return r.ReadCA(s.GateCA) }

// gateCA returns the authorities that the gate trusts, from the settings and from
// the description. Check has already reported errors.
func (a *WorkloadArgs) gateCA() []byte {
	content, err := a.Settings.readGateCA(a.Request)
	if err != nil {
		content = nil
	}
	return append(content, a.authorityCA()...)
}

// authorityCA returns the root certificates of the description's own authority.
// Check has already reported errors.
func (a *WorkloadArgs) authorityCA() []byte {
	content, err := a.Request.AuthorityCA()
	if err != nil {
		return nil
	}
	return content
}
