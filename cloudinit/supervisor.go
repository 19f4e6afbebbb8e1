package cloudinit

import (
	"strconv"

	"escala/cloudinit/agent/host"
	"escala/service"
)

// Limits of a worker's log on disk: one file that is being written, and
// workerLogBackups rotated files.
const (
	workerLogMB      = 10
	workerLogBackups = 1
)

// openFiles is the number of files that Nginx may have open beside its
// connections. It is also Nginx's limit before it reads the number of
// connections.
const openFiles = 8192

// openFiles returns want, or the machine's limit if that is lower: supervisord does
// not start with a limit that it cannot have.
func (m Machine) openFiles(want int) int {
	if m.OpenFiles > 0 {
		return min(want, m.OpenFiles)
	}
	return want
}

// listenBacklog is the number of connections that may wait for a worker to
// accept them. Linux caps it at net.core.somaxconn, 4096 since 5.4.
const listenBacklog = 4096

// supervisor renders supervisord.conf. Debian's package keeps a configuration
// that exists before the package is installed (dpkg's --force-confold, which
// the setup passes), so supervisord starts only once, with this configuration.
func (m Machine) supervisor() (string, error) {
	path := func(p string) string { return iniLiteral(m.Root + p) }
	socket := path(host.SupervisorSocket)
	return marshalINI([]iniSection{
		{"unix_http_server", []iniKey{
			{"file", socket},
			{"chmod", "0700"},
		}},
		{"supervisord", []iniKey{
			{"logfile", path(host.SupervisorLog)},
			{"logfile_maxbytes", "1MB"},
			{"logfile_backups", "1"},
			{"pidfile", path("/run/supervisord.pid")},
			{"childlogdir", path("/var/log/supervisor")},
			{"minfds", strconv.Itoa(m.openFiles(m.Spec.Limits.OpenFiles()))},
		}},
		{"rpcinterface:supervisor", []iniKey{
			{"supervisor.rpcinterface_factory", "supervisor.rpcinterface:make_main_rpcinterface"},
		}},
		{"supervisorctl", []iniKey{
			{"serverurl", "unix://" + socket},
		}},
		m.workers(path),
	})
}

// workers returns the supervisord program of the agent's slots. The agent
// decides which slots run. In WorkersShared mode, supervisord owns the workers'
// Unix socket. Each supervisord creates a new socket, so that the workers of a
// dead supervisord keep serving while the workers of the next one start. In
// WorkersPorts mode, each worker has its own port.
func (m Machine) workers(path func(string) string) iniSection {
	spec := m.Spec
	section := iniSection{Name: "program:" + spec.Name}
	if spec.Workers.Mode == service.WorkersShared {
		section = iniSection{"fcgi-program:" + spec.Name, []iniKey{
			{"socket", "unix://" + path(host.WorkersSocket)},
			// Debian's Nginx runs in the group www-data.
			{"socket_owner", "root:www-data"},
			{"socket_mode", "0660"},
			{"socket_backlog", strconv.Itoa(listenBacklog)},
		}}
	}
	section.Keys = append(section.Keys, []iniKey{
		{"command", path(AgentPath) + " worker %(process_num)d"},
		{"process_name", "%(program_name)s_%(process_num)d"},
		{"numprocs", strconv.Itoa(m.agentConfig().Slots())},
		{"user", User},
		{"directory", "/"},
		// The agent decides which slots run.
		{"autostart", "false"},
		{"autorestart", "true"},
		{"startsecs", "1"},
		// supervisord tries for about three minutes and waits a second longer
		// each time. After that, the agent starts the worker again.
		{"startretries", "18"},
		{"stopsignal", "TERM"},
		{"stopwaitsecs", seconds(spec.Lifecycle.Stop)},
		{"killasgroup", "true"},
		{"redirect_stderr", "true"},
		{"stdout_logfile", path("/var/log/escala/") + "worker-%(process_num)d.log"},
		{"stdout_logfile_maxbytes", strconv.Itoa(workerLogMB) + "MB"},
		{"stdout_logfile_backups", strconv.Itoa(workerLogBackups)},
	}...)
	return section
}
