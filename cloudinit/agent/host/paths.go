package host

import (
	"fmt"
	"strings"

	"escala/service"
)

// Paths of the machine's files that are not on agent.Disk.
const (
	// ConfigFile is the agent's configuration. EnvironmentFile is the
	// environment of every worker.
	ConfigFile      = "/etc/escala/agent.json"
	EnvironmentFile = "/etc/escala/environment.json"
	// SecretsFile is in memory. Root and the service's user can read it.
	SecretsFile = "/run/escala-secrets/environment.json" //nolint:gosec // G101: a path
	// SupervisorSocket is supervisord's RPC socket. SupervisorLog is its log.
	SupervisorSocket = "/run/supervisor.sock"
	SupervisorLog    = "/var/log/supervisor/supervisord.log"
	// WorkersSocket is the socket that supervisord creates for its workers.
	// ProxySocket is the path at which the proxy connects to it.
	WorkersSocket = "/run/escala-release/workers.sock"
	ProxySocket   = "/run/escala-release/proxy.sock"

	// CertificatesFolder stores the certificates on the disk. Only root can read it.
	CertificatesFolder = "/var/lib/escala/certificates"
	// CertificatesRun is in memory, and only root can enter it. CertificatesSocket
	// is where Nginx takes new certificates. SelfSignedFile is what Nginx serves
	// before there is one.
	CertificatesRun    = "/run/escala-certificates"
	CertificatesSocket = CertificatesRun + "/nginx.sock"
	SelfSignedFile     = CertificatesRun + "/self-signed.pem"
	// ValidFolder has an empty file for each subject whose certificate is valid.
	// Nginx redirects only those subjects.
	ValidFolder = "/run/escala-release/https"

	// UpstreamsFile lists the workers that Nginx sends requests to, for a program
	// without escala's runtime. UpstreamsSocket is where Nginx takes a new list.
	// Only root can enter UpstreamsRun.
	UpstreamsFile   = "/run/escala-release/upstreams"
	UpstreamsRun    = "/run/escala-upstreams"
	UpstreamsSocket = UpstreamsRun + "/nginx.sock"

	// MetricsSocket is where the agent answers the proxy's scrapers. Only root and
	// the proxy's user can enter MetricsRun.
	MetricsRun    = "/run/escala-metrics"
	MetricsSocket = MetricsRun + "/agent.sock"

	// AnswersSocket is where Nginx reports the number of answers of each release.
	// Only root can enter AnswersRun.
	AnswersRun    = "/run/escala-answers"
	AnswersSocket = AnswersRun + "/nginx.sock"

	// LogsFolder has the workers' logs. MaintenancePage is what Nginx answers with
	// while it exists. It is on the disk, so that a reboot does not end the
	// maintenance while the release store cannot be reached.
	LogsFolder        = "/var/log/escala"
	MaintenanceFolder = "/var/lib/escala/maintenance"
	MaintenancePage   = MaintenanceFolder + "/page.html"

	agentPath      = "/usr/local/lib/escala/escala-agent"
	adminFolder    = "/run/escala"
	releasesFolder = "/opt/escala/releases"
	currentLink    = "/opt/escala/current"
)

// Root is a prefix of every path, so that tests can run a machine in a folder.
// It is empty on machines.
type Root string

func (r Root) path(name string) string { return string(r) + name }

// adminSocket returns the path of the admin socket of the worker in a slot.
func (r Root) adminSocket(slot int) string {
	return r.path(fmt.Sprintf("%s/worker-%d.sock", adminFolder, slot))
}

// WorkerLog returns the path of the log of the worker in a slot.
func (r Root) WorkerLog(slot int) string {
	return r.path(fmt.Sprintf("%s/worker-%d.log", LogsFolder, slot))
}

// release returns the release to which an executable's path belongs, or "".
func (r Root) release(executable string) service.ReleaseID {
	executable = strings.TrimSuffix(executable, " (deleted)")
	rest, ok := strings.CutPrefix(executable, r.path(releasesFolder)+"/")
	if !ok {
		return ""
	}
	first, _, below := strings.Cut(rest, "/")
	if id := service.ReleaseID(first); below && id.Valid() {
		return id
	}
	return ""
}
