package machine

import "time"

// Certificate is the status of the certificates that a machine serves.
type Certificate struct {
	// Names are the names for which the machine serves a valid certificate, the
	// host first. In service.TLSIP mode, Names has the machine's address. It is
	// empty while the machine has no certificate.
	Names []string `json:"names"`
	// Missing are the names for which the machine has no certificate yet.
	Missing []string `json:"missing,omitempty"`
	// Issuer, NotBefore, NotAfter and Serial describe the host's certificate.
	// NotBefore and NotAfter are in seconds since 1970. Serial is in hexadecimal.
	Issuer    string `json:"issuer,omitempty"`
	NotBefore int64  `json:"notBefore,omitempty"`
	NotAfter  int64  `json:"notAfter,omitempty"`
	Serial    string `json:"serial,omitempty"`
	// Error is the reason why a certificate is missing or was not renewed, in
	// the words of the authority or the machine. "" if there is no problem.
	Error string `json:"error,omitempty"`
	// Next is the time of the next attempt or renewal, in seconds since 1970. 0
	// if none is planned.
	Next int64 `json:"next,omitempty"`
	// Orders counts the orders that this machine has sent to the authority since
	// its agent started.
	Orders int `json:"orders,omitempty"`
}

// Valid reports whether the host's certificate is valid at a time.
func (c *Certificate) Valid(at time.Time) bool {
	return c != nil && len(c.Names) > 0 && at.Unix() < c.NotAfter
}
