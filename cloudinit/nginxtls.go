package cloudinit

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"escala/cloudinit/agent/certificate"
	"escala/cloudinit/agent/host"
	"escala/service"
)

// nginxTLS holds the template's values for HTTPS.
type nginxTLS struct {
	// Folder is the folder of the certificates, with a trailing slash.
	Folder string
	// Socket is where the agent hands over certificates. SelfSigned serves before
	// there is one.
	Socket, SelfSigned string
	Listen, ListenIPv6 string
	Subjects           []string
	// Challenges is the path of HTTP-01 challenges; "" without an authority.
	Challenges string
	// HSTS is a max-age in seconds; "" for no header.
	HSTS string
	// Moved are the requests that are redirected to MovedTo.
	Moved   []moved
	MovedTo string
}

// moved are requests with a scheme and host, "http:api.example.com", and the file
// that exists while the certificate of the redirect's target is valid.
type moved struct{ From, Flag string }

// subjects returns what the machine has certificates for, the host first.
func (m Machine) subjects() []string {
	if m.Spec.TLSMode() == service.TLSIP {
		return []string{m.TLS.Address}
	}
	return m.Spec.CertificateNames()
}

// nginxTLS returns nil for a machine without HTTPS.
func (m Machine) nginxTLS() *nginxTLS {
	if !m.Spec.HTTPS() {
		return nil
	}
	tls := m.Spec.TLS
	values := nginxTLS{
		Folder:     m.Root + host.CertificatesFolder + "/",
		Socket:     m.Root + host.CertificatesSocket,
		SelfSigned: m.Root + host.SelfSignedFile,
		Listen:     "443",
		ListenIPv6: "[::]:443",
		Subjects:   m.subjects(),
	}
	if m.Spec.TLSMode() != service.TLSCertificate {
		values.Challenges = certificate.ChallengePath
	}
	if tls.HSTS > 0 {
		values.HSTS = seconds(tls.HSTS)
	}
	flag := func(subject string) string { return m.Root + host.ValidFolder + "/" + subject }
	target, port := "$host", ""
	if p := cmp.Or(m.TLS.Port, 443); p != 443 {
		port = ":" + strconv.Itoa(p)
	}
	for i, subject := range values.Subjects {
		other := i > 0 && tls.RedirectNames
		to := subject
		if other {
			to = values.Subjects[0]
			values.Moved = append(values.Moved, moved{"https:" + subject, flag(to)})
		}
		if tls.Redirect || other {
			values.Moved = append(values.Moved, moved{"http:" + subject, flag(to)})
		}
	}
	if tls.RedirectNames {
		target = values.Subjects[0]
	}
	values.MovedTo = target + port
	return &values
}

// nginxStartPre returns the lines of Nginx's unit that make its own certificate
// before Debian's check of the configuration, which reads it. A socket that a
// killed Nginx has left behind would keep the next one from starting.
func (m Machine) nginxStartPre() string {
	if !m.lua() {
		return ""
	}
	lines := "ExecStartPre=\n"
	var sockets []string
	if m.Spec.HTTPS() {
		lines += "ExecStartPre=" + AgentPath + " self-signed\n"
		sockets = append(sockets, host.CertificatesSocket)
	}
	if m.anyProgram() {
		sockets = append(sockets, host.UpstreamsSocket)
	}
	if m.Spec.Bake.On() {
		sockets = append(sockets, host.AnswersSocket)
	}
	return lines + fmt.Sprintf(`ExecStartPre=-/bin/rm -f %s
ExecStartPre=/usr/sbin/nginx -t -q -g 'daemon on; master_process on;'
`, strings.Join(sockets, " "))
}

// tlsFolders returns the folders in memory that HTTPS needs, in tmpfiles' form.
func (m Machine) tlsFolders() string {
	if !m.Spec.HTTPS() {
		return ""
	}
	return "d " + host.CertificatesRun + " 0700 root root -\nd " + host.ValidFolder + " 0755 root root -\n"
}
