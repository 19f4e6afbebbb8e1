package cloudinit

import (
	"fmt"
	"math"
)

// journalMB limits the size of the journal, in MB.
const journalMB = 200

// noStartLimit removes systemd's limit on restarts. With the limit, a full disk, a
// taken port or a few quick deaths would stop a unit for ever. RestartSec limits the
// CPU time of a failing unit.
const noStartLimit = `[Unit]
StartLimitIntervalSec=0

`

// units returns the files for systemd, the journal and apt. They depend only on
// numbers of the description.
func (m Machine) units() []File {
	stop := int(math.Ceil(m.Spec.Lifecycle.Stop.Seconds()))
	files := []File{
		setupFile(),
		{Path: "/etc/systemd/system/" + AgentUnit, Content: `[Unit]
Description=Keeps this machine on the wanted release
After=network-online.target escala-metadata.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=` + AgentPath + ` run
Restart=always
RestartSec=1
# What the agent has started (systemctl, journalctl, a preflight) ends by itself.
# systemd would wait up to 90 s for it before it starts a dead agent again.
KillMode=process
# Go gives memory back before it takes more.
Environment=GOMEMLIMIT=12MiB GOGC=50

[Install]
WantedBy=multi-user.target
`},
		// Debian's unit waits 50 s before it restarts supervisord. The workers
		// of a stopped supervisord keep serving, and the agent replaces them
		// one after the other. So a restart of supervisord loses no request,
		// for example at an upgrade of its package. On a shutdown the workers
		// drain: if systemd signaled a worker as well, that second SIGTERM
		// would end it at once.
		{Path: "/etc/systemd/system/supervisor.service.d/escala.conf", Content: noStartLimit + fmt.Sprintf(`[Service]
Restart=always
RestartSec=500ms
KillMode=process
# A supervisord that has just started has nothing to do until the agent says so.
ExecStartPost=-/bin/systemctl kill --kill-who=main --signal=USR1 `+AgentUnit+`
ExecStop=
ExecStop=-`+AgentPath+` stop-supervisor
TimeoutStopSec=%d
`, stop+5)},
		// Debian's unit gives requests in flight 5 s. It also lets the workers
		// of a killed Nginx hold the port until systemd knows that they have
		// ended. This setting asks them to finish, which frees the port at
		// once. A machine that cannot raise limits starts Nginx with its workers'.
		{Path: "/etc/systemd/system/nginx.service.d/escala.conf", Content: noStartLimit + fmt.Sprintf(`[Service]
Restart=always
RestartSec=100ms
KillMode=process
LimitNOFILE=%d
%sExecStartPre=-/usr/bin/pkill --signal QUIT --uid www-data --exact nginx
ExecStop=
ExecStop=-/sbin/start-stop-daemon --quiet --stop --retry QUIT/%d --pidfile /run/nginx.pid
TimeoutStopSec=%d
`, m.nginxUnitFiles(), m.nginxStartPre(), stop, stop+5)},
		{Path: "/etc/systemd/journald.conf.d/escala.conf", Content: fmt.Sprintf(`[Journal]
SystemMaxUse=%dM
RuntimeMaxUse=%dM
`, journalMB/2, journalMB/2)},
		{Path: "/etc/tmpfiles.d/escala.conf", Content: fmt.Sprintf(`d /run/escala 0755 %s %s -
d /run/escala-release 0755 root root -
`, User, User) + m.tlsFolders() + m.upstreamsFolders() + m.metricsFolders() + m.answersFolders()},
	}
	files = append(files, m.taskUnits()...)
	files = append(files, m.laterUnits()...)
	if m.localRedis() {
		files = append(files, File{Path: "/etc/systemd/system/redis-server.service.d/escala.conf", Content: noStartLimit + fmt.Sprintf(`[Service]
ExecStart=
ExecStart=/usr/bin/redis-server /etc/redis/redis.conf --supervised systemd --daemonize no --maxmemory %dmb --maxmemory-policy allkeys-lru --save ""
Restart=always
RestartSec=500ms
`, localRedisMB)},
			// The service may need its Redis already in a preflight or for its
			// release command, so the agent starts after it: not before the
			// packages, and at each boot.
			File{Path: "/etc/systemd/system/" + AgentUnit + ".d/redis.conf", Content: `[Unit]
ConditionPathExists=/usr/bin/redis-server

[Service]
ExecStartPre=-/bin/systemctl start redis-server.service
`})
	}
	return files
}
