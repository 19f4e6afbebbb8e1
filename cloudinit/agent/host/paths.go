package host

import (
	"fmt"
	"path/filepath"
	"strings"

	"escala/service"
)

// The machine's files that the agent does not keep on agent.Disk.
const (
	// ConfigFile is the agent's configuration, EnvironmentFile what every worker
	// gets.
	ConfigFile      = "/etc/escala/agent.json"
	EnvironmentFile = "/etc/escala/environment.json"
	// SecretsFile is in memory, where root and the service's user can read it.
	SecretsFile = "/run/escala-secrets/environment.json" //nolint:gosec // G101: a path
	// SupervisorSocket is where supervisord is asked, SupervisorLog its log.
	SupervisorSocket = "/run/supervisor.sock"
	SupervisorLog    = "/var/log/supervisor/supervisord.log"
	// WorkersSocket is the socket that supervisord makes for its workers, and
	// ProxySocket the name by which the proxy reaches it.
	WorkersSocket = "/run/escala-release/workers.sock"
	ProxySocket   = "/run/escala-release/proxy.sock"

	adminFolder    = "/run/escala"
	releasesFolder = "/opt/escala/releases"
	currentLink    = "/opt/escala/current"
)

// Root is put before every path, so that tests can run a machine in a folder.
// It is empty on machines.
type Root string

func (r Root) path(name string) string { return string(r) + name }

// adminSocket is where the worker in a slot answers for itself.
func (r Root) adminSocket(slot int) string {
	return r.path(fmt.Sprintf("%s/worker-%d.sock", adminFolder, slot))
}

// WorkerLog is what the worker in a slot prints.
func (r Root) WorkerLog(slot int) string {
	return r.path(fmt.Sprintf("/var/log/escala/worker-%d.log", slot))
}

// release is the release whose binary an executable's path is, or "".
func (r Root) release(executable string) service.ReleaseID {
	executable = strings.TrimSuffix(executable, " (deleted)")
	rest, ok := strings.CutPrefix(executable, r.path(releasesFolder)+"/")
	if !ok {
		return ""
	}
	if id := service.ReleaseID(filepath.Dir(rest)); id.Valid() {
		return id
	}
	return ""
}
