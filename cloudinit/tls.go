package cloudinit

import (
	_ "embed"
	"net/netip"

	"escala/cloudinit/agent/certificate"
	"escala/cloudinit/agent/secrets"
	"escala/service"
)

// certificatesLua is the Lua module with which Nginx serves certificates.
//
//go:embed machine/certificates.lua
var certificatesLua string

// TLS holds the settings of HTTPS on a machine beside Spec.TLS.
type TLS struct {
	// Address is the stable public address of the stack, in service.TLSIP mode.
	Address string
	// AuthorityCA holds the root certificates of the authority, in PEM. Default:
	// the system's roots.
	AuthorityCA string
	// Port is the public port of HTTPS, to which plain HTTP is redirected.
	// Default 443.
	Port int
}

// Names of the secrets for HTTPS in ParameterSecrets: each is a parameter below
// Path. A worker's variable cannot have such a name, so no worker gets them.
const (
	// TLSSeedName is 32 random bytes in hexadecimal, the same for all machines of
	// a stack, for its whole life. The keys of the ACME account, of the
	// certificates in the store and of session tickets are derived from it.
	TLSSeedName = secrets.TLSSeed
	// TLSCertificateName is the operator's own certificate: its chain and its
	// private key in PEM. It exists only in service.TLSCertificate mode.
	TLSCertificateName = secrets.TLSCertificate
)

// TLSSecrets are the secrets for HTTPS in FileSecrets.
type TLSSecrets struct {
	// Seed is the value of TLSSeedName.
	Seed string
	// Certificate is the value of TLSCertificateName. It is "" in other modes
	// than service.TLSCertificate.
	Certificate string
}

func (s TLSSecrets) values() map[string]string {
	all := map[string]string{}
	if s.Seed != "" {
		all[TLSSeedName] = s.Seed
	}
	if s.Certificate != "" {
		all[TLSCertificateName] = s.Certificate
	}
	return all
}

// checkTLS reports missing settings of HTTPS.
func (m Machine) checkTLS(v *service.Violations) {
	if !m.Spec.HTTPS() {
		return
	}
	if m.Secrets == nil {
		v.Add("tls", "this machine has no secret store for the seed of its keys")
	}
	if address, err := netip.ParseAddr(m.TLS.Address); m.Spec.TLSMode() == service.TLSIP && (err != nil || address.Zone() != "") {
		v.Add("tls.mode", "is %q, but the machine's public address %q is not an address", service.TLSIP, m.TLS.Address)
	}
	if port := m.TLS.Port; port < 0 || port > 65535 {
		v.Add("tls.port", "%d is not a port", port)
	}
}

// tlsFiles returns the files of HTTPS.
func (m Machine) tlsFiles() []File {
	if !m.Spec.HTTPS() {
		return nil
	}
	return []File{{Path: programsFolder + "certificates.lua", Content: certificatesLua}}
}

// certificateSettings returns the agent's settings of the certificates; nil
// without HTTPS.
func (m Machine) certificateSettings() *certificate.Settings {
	if !m.Spec.HTTPS() {
		return nil
	}
	s := certificate.Settings{Mode: m.Spec.TLSMode(), Subjects: m.subjects()}
	if s.Mode != service.TLSCertificate {
		s.Directory, s.Email, s.Roots = m.Spec.TLS.Directory(), m.Spec.TLS.Email, m.TLS.AuthorityCA
	}
	return &s
}
