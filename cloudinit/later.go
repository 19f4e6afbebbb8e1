package cloudinit

// laterUnit is the name of the unit that installs what a machine serves without.
func laterUnit(name string) string { return "escala-install-" + name + ".service" }

// laterUnits install what a machine serves without: security upgrades and the
// Session Manager's agent. Each tries again until it has succeeded once, and
// waits for its turn with dpkg.
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

// later is a unit that installs something once.
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

// startLater starts those units once the service is under way, so that nobody
// waits for them.
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
