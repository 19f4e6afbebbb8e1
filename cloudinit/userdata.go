package cloudinit

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// cloudConfig is the part of cloud-init's configuration that escala uses
// (cloud-init 22.4, "Module reference").
type cloudConfig struct {
	Locale     string      `yaml:"locale"`
	Users      []user      `yaml:"users"`
	BootCmd    [][]string  `yaml:"bootcmd"`
	WriteFiles []writeFile `yaml:"write_files"`
	RunCmd     [][]string  `yaml:"runcmd"`
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

// UserData renders the machine's cloud-init user-data. It returns Violations if
// the description cannot be rendered.
func (m Machine) UserData() ([]byte, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	files, err := m.files()
	if err != nil {
		return nil, err
	}
	config := cloudConfig{
		// Every Debian has this locale. Another one would have to be compiled
		// first.
		Locale: "C.UTF-8",
		// Without "default" in the list, no account can log in.
		Users: []user{{Name: User, System: true, NoCreateHome: true, Homedir: "/nonexistent", Shell: "/usr/sbin/nologin"}},
		BootCmd: [][]string{
			{"mkdir", "-p", "/opt/escala/releases", "/var/lib/escala", "/var/log/escala"},
			startSetup(),
		},
		RunCmd: m.commands(),
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

// commands returns the commands that run after all files are written. The setup
// installs the packages, because cloud-init would run each step after the
// other.
func (m Machine) commands() [][]string {
	commands := [][]string{
		{"systemctl", "start", SetupUnit},
		{"systemctl", "restart", "systemd-journald.service"},
	}
	return append(commands, m.startLater()...)
}
