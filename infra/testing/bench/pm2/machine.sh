#!/bin/sh
# Waits, on a machine that is being set up, until its Nginx answers with the
# greeting, and prints what it took: the time of the answer (seconds since 1970),
# the machine's processor time in ns, the bytes that came over the network, and
# what the disk holds in KiB.
set -eu

deadline=$(($(date +%s) + 1200))
until [ "$(curl --silent --max-time 5 http://127.0.0.1/)" = "hello from escala" ]; do
	[ "$(date +%s)" -lt "$deadline" ] || exit 1
	sleep 0.05
done
now=$(date +%s.%N)
cpu=$(cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null) ||
	cpu=$(awk '$1 == "usage_usec" {print $2 * 1000}' /sys/fs/cgroup/cpu.stat)
received=$(cat /sys/class/net/eth0/statistics/rx_bytes)
disk=$(du -sxk / 2>/dev/null) || :
echo "$now $cpu $received ${disk%%[!0-9]*}"
