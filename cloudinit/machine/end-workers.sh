#!/bin/sh
# Ends the workers that a supervisord which was killed has left behind, before
# another one starts: they hold the port. They drain, as at each release; what
# has not ended by then is killed.
set -u

root=${ESCALA_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/escala/machine.conf"

left() { pgrep -u "$SERVICE_USER" -x -f "$root/opt/escala/current/$NAME serve"; }

# shellcheck disable=SC2046 # these are numbers
kill -TERM $(left) 2>/dev/null || exit 0
deadline=$(($(date +%s) + STOP_SECONDS))
while left >/dev/null; do
	if [ "$(date +%s)" -ge "$deadline" ]; then
		# shellcheck disable=SC2046 # these are numbers
		kill -KILL $(left) 2>/dev/null
	fi
	sleep 0.1
done
