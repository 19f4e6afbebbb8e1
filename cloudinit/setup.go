package cloudinit

import (
	"fmt"
	"strings"

	"escala/cloudinit/agent/host"
)

// SetupUnit is the unit that makes a new machine serve, once. It tries again
// until it has: a mirror that is away for a while is no dead machine.
const SetupUnit = host.SetupUnit

// setUpPath is there once setup has come to its end.
const setUpPath = host.SetUpFile

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

// packageUnits are the services among the packages.
func (m Machine) packageUnits() []string {
	units := []string{"nginx.service", "supervisor.service"}
	if m.localRedis() {
		units = append(units, "redis-server.service")
	}
	return units
}

// startSetup has SetupUnit start as soon as cloud-init has settled where packages
// come from, and not only when its last stage gets to runcmd. The unit's file is
// not there yet when this runs, so another one stands in for it.
func startSetup() []string {
	return []string{
		"systemd-run", "--quiet", "--no-block", "--unit=escala-start-setup",
		"--property=Type=oneshot", "--property=After=cloud-config.service",
		"systemctl", "start", "--no-block", SetupUnit,
	}
}

// setupSettings are what the bootstrap needs to know.
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

// setupFile is SetupUnit. A machine that is switched off in the middle of its
// setup goes on with it when it comes back. What it says is also on the console,
// which every cloud shows of a machine that nobody can reach.
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
