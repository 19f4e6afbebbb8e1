package cloudinit

import (
	"fmt"
	"math"
)

// journalMB bounds the journal, in MB.
const journalMB = 200

// units are the files for systemd, the journal and apt. They hold nothing of
// the description but numbers.
func (m Machine) units() []File {
	stop := int(math.Ceil(m.Spec.Lifecycle.Stop.Seconds()))
	files := []File{
		setupFile(),
		// Without a supervisor it could only find every release bad.
		{Path: "/etc/systemd/system/release-follower.service", Content: `[Unit]
Description=Keeps this machine on the current release
After=network-online.target supervisor.service
Wants=network-online.target
ConditionPathExists=` + setUpPath + `

[Service]
ExecStart=` + programsFolder + `release-follower run
Restart=always
RestartSec=1

[Install]
WantedBy=multi-user.target
`},
		// Debian's unit waits 50 s before it starts supervisord again. The workers
		// of a killed one hold the port against the new one's: they are ended
		// first, by a program of ours, since systemd, where it is not told that
		// a control group is empty (cgroup v1 in a container), waits for nothing
		// until its limit. On a shutdown it must wait until supervisord is gone: a
		// worker that systemd signals as well takes the second SIGTERM for a
		// demand to end at once.
		{Path: "/etc/systemd/system/supervisor.service.d/escala.conf", Content: fmt.Sprintf(`[Service]
Restart=always
RestartSec=100ms
KillMode=process
ExecStartPre=-`+programsFolder+`end-workers
ExecStartPost=-`+programsFolder+`wake-supervisor
# Nginx goes first: what it has read already still finds its workers.
ExecStop=
ExecStop=-/bin/sleep 1
ExecStop=-/sbin/start-stop-daemon --quiet --stop --retry TERM/%[1]d --pidfile /run/supervisord.pid
TimeoutStopSec=%[2]d
`, stop, stop+5)},
		// Debian's unit gives requests in flight 5 s, and has the workers of a
		// killed Nginx hold its port until systemd knows that they are gone (see
		// above). They are asked to finish, which frees the port at once.
		{Path: "/etc/systemd/system/nginx.service.d/escala.conf", Content: fmt.Sprintf(`[Service]
Restart=always
RestartSec=100ms
KillMode=process
LimitNOFILE=%d
ExecStartPre=-/usr/bin/pkill --signal QUIT --uid www-data --exact nginx
ExecStop=
ExecStop=-/sbin/start-stop-daemon --quiet --stop --retry QUIT/%d --pidfile /run/nginx.pid
TimeoutStopSec=%d
`, openFiles, stop, stop+5)},
		{Path: "/etc/systemd/journald.conf.d/escala.conf", Content: fmt.Sprintf(`[Journal]
SystemMaxUse=%dM
RuntimeMaxUse=%dM
`, journalMB/2, journalMB/2)},
		{Path: "/etc/tmpfiles.d/escala.conf", Content: fmt.Sprintf(`d /run/escala 0755 %s %s -
d /run/escala-release 0755 root root -
`, User, User)},
	}
	if m.Upgrades {
		files = append(files, File{Path: "/etc/apt/apt.conf.d/52escala-upgrades", Content: `APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
`})
	}
	if m.localRedis() {
		files = append(files, File{Path: "/etc/systemd/system/redis-server.service.d/escala.conf", Content: fmt.Sprintf(`[Service]
ExecStart=
ExecStart=/usr/bin/redis-server /etc/redis/redis.conf --supervised systemd --daemonize no --maxmemory %dmb --maxmemory-policy allkeys-lru --save ""
Restart=always
`, localRedisMB)})
	}
	return files
}
