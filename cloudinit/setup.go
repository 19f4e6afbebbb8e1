package cloudinit

import (
	"fmt"
	"strings"

	"escala/cloudinit/agent/host"
)

// SetupUnit is the unit that sets a new machine up, once. It retries until it
// succeeds, so an unavailable mirror only delays the machine.
const SetupUnit = host.SetupUnit

// setUpPath is a file that exists once setup has succeeded.
const setUpPath = host.SetUpFile

// packages returns the names of Debian 12 packages.
func (m Machine) packages() []string {
	packages := []string{"curl", "nginx", "supervisor"}
	if m.localRedis() {
		packages = append(packages, "redis-server")
	}
	if m.lua() {
		packages = append(packages, "libnginx-mod-http-lua")
	}
	if len(m.MetadataOnlyRoot) > 0 {
		packages = append(packages, "nftables")
	}
	return append(packages, m.Spec.Packages...)
}

// packageUnits returns the services that the packages contain.
func (m Machine) packageUnits() []string {
	units := []string{"nginx.service", "supervisor.service"}
	if m.localRedis() {
		units = append(units, "redis-server.service")
	}
	return units
}

// startSetup returns a command that starts SetupUnit as soon as cloud-init has
// configured the package sources. The last stage of cloud-init, runcmd, would
// start it later. The unit's file does not exist yet when the command runs, so
// a transient unit starts it.
func startSetup() []string {
	return []string{
		"systemd-run", "--quiet", "--no-block", "--unit=escala-start-setup",
		"--property=Type=oneshot", "--property=After=cloud-config.service",
		"systemctl", "start", "--no-block", SetupUnit,
	}
}

// setupSettings returns the bootstrap's settings.
func (m Machine) setupSettings() (File, error) {
	from := m.Store.origin()
	content, err := shellAssignments("# What the machine's setup needs to know.\n", map[string]string{
		"SETUP_PACKAGES": strings.Join(m.packages(), " "),
		"SETUP_UNITS":    strings.Join(m.packageUnits(), " "),
		"AGENT_SHA256":   string(m.Agent),
		"STORE_URL":      from.url,
		"STORE_REGION":   from.region,
		"STORE_KEY":      from.key,
		"METADATA_URL":   from.metadata,
	})
	if err != nil {
		return File{}, fmt.Errorf("writing the setup's settings: %w", err)
	}
	return File{Path: "/etc/escala/bootstrap.conf", Content: content}, nil
}

// setupFile returns SetupUnit. A machine that is switched off during its setup
// continues it at the next boot. The output also goes to the console, which
// every cloud shows for a machine that is not reachable.
func setupFile() File {
	return File{Path: "/etc/systemd/system/" + SetupUnit, Content: `[Unit]
Description=Installs what this machine serves with
After=network-online.target
Wants=network-online.target
ConditionPathExists=!` + setUpPath + `
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=` + programsFolder + `setup
Restart=on-failure
RestartSec=5
StandardOutput=journal+console

[Install]
WantedBy=multi-user.target
`}
}
