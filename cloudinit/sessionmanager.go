package cloudinit

import "fmt"

// SessionManager gives access to an AWS machine without an open port: its agent
// connects outwards. Debian does not package the agent, so it comes from AWS
// itself.
type SessionManager struct {
	Region string
	// Arch is Debian's name for the machine's architecture.
	Arch string
}

const sessionManagerPackage = "/var/tmp/amazon-ssm-agent.deb"

// install returns the unit's commands that install the agent. They do nothing
// if the image already has it.
func (s SessionManager) install() string {
	url := fmt.Sprintf("https://s3.%s.%s/amazon-ssm-%s/latest/debian_%s/amazon-ssm-agent.deb", s.Region, awsDomain(s.Region), s.Region, s.Arch)
	return `ExecStart=/bin/sh -c '[ -e /lib/systemd/system/amazon-ssm-agent.service ] || curl --silent --show-error --fail --retry 5 --output ` + sessionManagerPackage + ` ` + url + `'
ExecStart=/bin/sh -c '[ ! -e ` + sessionManagerPackage + ` ] || apt-get --quiet --yes -o DPkg::Lock::Timeout=300 install ` + sessionManagerPackage + `'
ExecStart=/bin/rm -f ` + sessionManagerPackage + `
`
}
