package cloudinit

import "fmt"

// SessionManager is AWS' way onto a machine without an open port: an agent that
// calls out. Debian does not package it, so it comes from AWS itself.
type SessionManager struct {
	Region string
	// Arch is Debian's name of the machine's architecture.
	Arch string
}

// command installs the agent unless the image has it already.
func (s SessionManager) command() []string {
	url := fmt.Sprintf("https://s3.%s.%s/amazon-ssm-%s/latest/debian_%s/amazon-ssm-agent.deb", s.Region, awsDomain(s.Region), s.Region, s.Arch)
	return []string{"sh", "-c", "systemctl cat amazon-ssm-agent.service >/dev/null 2>&1 || " +
		"{ curl --silent --show-error --fail --retry 5 --output /var/tmp/amazon-ssm-agent.deb " + shellQuote(url) +
		" && dpkg --install /var/tmp/amazon-ssm-agent.deb; rm -f /var/tmp/amazon-ssm-agent.deb; }"}
}
