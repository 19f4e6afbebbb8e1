#!/bin/sh
# Says where the seconds of a machine's first boot went, from its journal. Runs on
# the machine: make boot-times.
set -eu

begin=$(systemctl show --property UserspaceTimestampMonotonic --value)
echo "     at s  after s  (from the machine's start; after: since the line above)"
journalctl --boot --no-pager --no-hostname --output short-monotonic | awk -v begin="$begin" '
function step(what) {
	if (what in said) return
	said[what] = 1
	at = substr($0, 2, index($0, "]") - 2) - begin / 1000000
	printf "  %7.2f  %7.2f  %s\n", at, at - before, what
	before = at
}
/Finished cloud-init-local\.service/    { step("cloud-init has found its user-data") }
/Finished cloud-init\.service/          { step("files and users are there") }
/Finished cloud-config\.service/        { step("package sources are settled") }
/Starting escala-setup\.service/        { step("setup begins") }
/escala-agent.*msg=rolling /            { step("beside it: the release is fetched, verified and tried") }
/setup\[.*Fetched .* in /               { step(("package lists are fetched" in said) ? "packages are fetched" : "package lists are fetched") }
/setup\[.*Building dependency tree/     { step("package lists are read") }
/setup\[.*Unpacking /                   { step("packages begin to be unpacked") }
/setup\[.*Setting up /                  { step("packages begin to be configured") }
/Starting supervisor\.service/          { step("packages are configured; supervisord and Nginx start") }
/supervisord started with pid/          { step("supervisord is up") }
/spawned: .* with pid/                  { step("workers are started") }
/serves on all workers/                 { step("every worker serves") }
/Finished cloud-final\.service/         { step("what nobody waits for is done, too") }
'
printf '\nprocessor seconds of all of it: '
cpu=$(cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null) ||
	cpu=$(awk '$1 == "usage_usec" {print $2 * 1000}' /sys/fs/cgroup/cpu.stat)
awk -v ns="$cpu" 'BEGIN {printf "%.1f\n", ns / 1e9}'
printf '\ncloud-init, its slowest modules:\n'
cloud-init analyze blame | grep -E '^ +[0-9]' | head -n 8
printf '\nsystemd, its slowest units:\n'
SYSTEMD_COLORS=0 systemd-analyze blame --no-pager | head -n 8
