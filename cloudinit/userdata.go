package cloudinit

import (
	"bytes"
	"fmt"

	"gopkg.in/yaml.v3"
)

// cloudConfig is the part of cloud-init's configuration that escala uses
// (cloud-init 22.4, "Module reference").
type cloudConfig struct {
	Locale        string      `yaml:"locale"`
	Users         []user      `yaml:"users"`
	BootCmd       [][]string  `yaml:"bootcmd"`
	WriteFiles    []writeFile `yaml:"write_files"`
	PackageUpdate bool        `yaml:"package_update"`
	Packages      []string    `yaml:"packages"`
	RunCmd        [][]string  `yaml:"runcmd"`
}

type user struct {
	Name         string `yaml:"name"`
	System       bool   `yaml:"system"`
	NoCreateHome bool   `yaml:"no_create_home"`
	Homedir      string `yaml:"homedir"`
	Shell        string `yaml:"shell"`
}

type writeFile struct {
	Path        string `yaml:"path"`
	Permissions string `yaml:"permissions"`
	Content     string `yaml:"content"`
}

// UserData renders the machine's cloud-init user-data. Errors are Violations
// for whatever the machine's description cannot hold.
func (m Machine) UserData() ([]byte, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	files, err := m.files()
	if err != nil {
		return nil, err
	}
	config := cloudConfig{
		// The one that every Debian has: another would be compiled first.
		Locale: "C.UTF-8",
		// Without "default" in the list there is no account to log in to.
		Users: []user{{Name: User, System: true, NoCreateHome: true, Homedir: "/nonexistent", Shell: "/usr/sbin/nologin"}},
		BootCmd: [][]string{
			{"mkdir", "-p", "/opt/escala/releases", "/var/lib/escala", "/var/log/escala"},
		},
		PackageUpdate: true,
		Packages:      m.packages(),
		RunCmd:        m.commands(),
	}
	for _, f := range files {
		config.WriteFiles = append(config.WriteFiles, writeFile{Path: f.Path, Permissions: f.Permissions(), Content: f.Content})
	}
	var b bytes.Buffer
	b.WriteString("#cloud-config\n")
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(config); err != nil {
		return nil, fmt.Errorf("writing cloud-config: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("writing cloud-config: %w", err)
	}
	return b.Bytes(), nil
}

// commands run once all files and packages are there.
func (m Machine) commands() [][]string {
	commands := [][]string{{"systemd-tmpfiles", "--create", "/etc/tmpfiles.d/escala.conf"}}
	// Before the first release runs.
	if len(m.MetadataOnlyRoot) > 0 {
		commands = append(commands, []string{"systemctl", "enable", "--now", "escala-metadata.service"})
	}
	if m.Secrets != nil {
		// Without waiting: it tries until it gets there, and the follower reads
		// them before each roll anyway.
		commands = append(commands, []string{"systemctl", "enable", "--now", "--no-block", "escala-secrets.service"})
	}
	commands = append(commands,
		[]string{"systemctl", "enable", "--now", "release-follower.service"},
		[]string{"systemctl", "restart", "systemd-journald.service"})
	// After the service is under way, so that nobody waits for these.
	if m.Upgrades {
		commands = append(commands, []string{
			"env", "DEBIAN_FRONTEND=noninteractive",
			"apt-get", "--yes", "--no-install-recommends", "install", "unattended-upgrades",
		})
	}
	if m.SessionManager != nil {
		commands = append(commands, m.SessionManager.command())
	}
	return commands
}

// packages are Debian 12's own.
func (m Machine) packages() []string {
	packages := []string{"curl", "nginx", "supervisor"}
	if m.localRedis() {
		packages = append(packages, "redis-server")
	}
	if len(m.MetadataOnlyRoot) > 0 {
		packages = append(packages, "nftables")
	}
	return packages
}
