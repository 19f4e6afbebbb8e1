package cloudinit

import (
	"strconv"

	"escala/cloudinit/agent/host"
	"escala/service"
)

// Bounds of what a worker's log may take on disk: one file being written and
// workerLogBackups rotated ones.
const (
	workerLogMB      = 10
	workerLogBackups = 1
)

// openFiles is how many files Nginx may have open beside its connections, and
// before it has read how many those are.
const openFiles = 8192

// listenBacklog is how many connections may wait for a worker to accept them.
// Linux caps it at net.core.somaxconn, 4096 since 5.4.
const listenBacklog = 4096

// supervisor is the whole supervisord.conf. Debian's package keeps a
// configuration that is there before it (dpkg's --force-confold, which
// cloud-init passes), so supervisord starts once, with this one.
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
			{"minfds", strconv.Itoa(m.Spec.Limits.OpenFiles())},
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

// workers is the program that supervisord runs in each of the agent's slots, when
// the agent says so. In WorkersShared mode supervisord owns their socket, a Unix
// socket: each supervisord makes one of its own, so that the workers of one that
// died serve on while the next one's start. In WorkersPorts mode each worker has
// a port of its own.
func (m Machine) workers(path func(string) string) iniSection {
	spec := m.Spec
	section := iniSection{Name: "program:" + spec.Name}
	if spec.Workers.Mode == service.WorkersShared {
		section = iniSection{"fcgi-program:" + spec.Name, []iniKey{
			{"socket", "unix://" + path(host.WorkersSocket)},
			// Debian's Nginx is www-data.
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
		// Which slots run is the agent's to say.
		{"autostart", "false"},
		{"autorestart", "true"},
		{"startsecs", "1"},
		// About three minutes of trying by itself, a second longer each
		// time; after that the agent starts it again.
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

// logBoundMB is the most that the service's and the machine's logs take on
// disk, in MB: the workers' files, supervisord's two, and the journal, to which
// Nginx and the agent write.
func (m Machine) logBoundMB() int {
	return m.agentConfig().Slots()*workerLogMB*(1+workerLogBackups) + 2 + journalMB
}
