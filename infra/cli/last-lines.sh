#!/bin/sh
# What the machine's workers and units logged last.
set -eu

for log in /var/log/escala/worker-*.log; do
	echo "== $log"
	tail -n 20 "$log"
done
echo "== escala-agent, nginx"
SYSTEMD_COLORS=0 journalctl --no-pager --no-hostname --lines 20 --output short-iso --unit escala-agent --unit nginx
