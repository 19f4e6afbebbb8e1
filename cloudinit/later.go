package cloudinit

// laterUnit returns the name of a unit that installs something that the service does
// not need.
func laterUnit(name string) string { return "escala-install-" + name + ".service" }

// laterUnits returns the units that install security upgrades and the Session
// Manager's agent, which the service does not need. Each unit retries until it
// has succeeded once, and waits for dpkg's lock.
func (m Machine) laterUnits() []File {
	var files []File
	if m.Upgrades {
		files = append(files,
			File{Path: "/etc/apt/apt.conf.d/52escala-upgrades", Content: `APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
`},
			later("upgrades", "Installs Debian's unattended security upgrades",
				"ExecStart=/usr/bin/apt-get --quiet --yes --no-install-recommends -o DPkg::Lock::Timeout=300 install unattended-upgrades\n"))
	}
	if m.SessionManager != nil {
		files = append(files, later("session-manager", "Installs the Session Manager's agent", m.SessionManager.install()))
	}
	return files
}

// later returns a unit that runs its commands until they succeed once.
func later(name, description, commands string) File {
	done := "/var/lib/escala/installed-" + name
	return File{Path: "/etc/systemd/system/" + laterUnit(name), Content: `[Unit]
Description=` + description + `
After=network-online.target ` + SetupUnit + `
Wants=network-online.target
ConditionPathExists=!` + done + `
StartLimitIntervalSec=0

[Service]
Type=oneshot
Environment=DEBIAN_FRONTEND=noninteractive
` + commands + `ExecStart=/usr/bin/touch ` + done + `
Restart=on-failure
RestartSec=60

[Install]
WantedBy=multi-user.target
`}
}

// startLater returns the commands that start these units after the service's
// setup. They do not block.
func (m Machine) startLater() [][]string {
	var units []string
	if m.Upgrades {
		units = append(units, laterUnit("upgrades"))
	}
	if m.SessionManager != nil {
		units = append(units, laterUnit("session-manager"))
	}
	if len(units) == 0 {
		return nil
	}
	return [][]string{
		append([]string{"systemctl", "enable", "--no-reload"}, units...),
		append([]string{"systemctl", "start", "--no-block"}, units...),
	}
}
