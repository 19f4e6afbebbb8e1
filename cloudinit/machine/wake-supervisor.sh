#!/bin/sh
# Has a supervisord that has just started start its programs now: it looks at
# what it has to do once a second, or when somebody speaks to it.
set -eu

tries=100
until curl --silent --max-time 1 --output /dev/null --unix-socket /run/supervisor.sock http://supervisor/; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || exit 1
	sleep 0.05
done
