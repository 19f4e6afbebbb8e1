package cloudinit

import "fmt"

// SessionManager gives access to an AWS machine without an open port: its agent
// connects outwards. Debian does not package the agent, so it comes from AWS
// itself, and is verified before anything of it runs.
type SessionManager struct {
	Region string
	// Arch is Debian's name for the machine's architecture.
	Arch string
}

// url returns the address of the agent's package in the machine's region.
func (s SessionManager) url() string {
	return fmt.Sprintf("https://s3.%s.%s/amazon-ssm-%s/latest/debian_%s/amazon-ssm-agent.deb", s.Region, awsDomain(s.Region), s.Region, s.Arch)
}

// install returns the unit's command that installs the agent. It does nothing if
// the image already has it.
func (s SessionManager) install() string {
	return "ExecStart=" + AgentPath + " session-manager " + s.url() + "\n"
}
