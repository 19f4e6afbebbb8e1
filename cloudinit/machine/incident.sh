#!/bin/sh
# Says in one line what last went wrong on this machine and was mended without
# anybody's doing: a unit or a worker that died and was started again, a reboot.
# Prints nothing if nothing has. The status has it, so that whoever saw an error
# a minute ago finds out why without logging in.
set -u

root=${ESCALA_ROOT:-}

{
	# What systemd starts again.
	units="supervisor nginx redis-server release-follower"
	# shellcheck disable=SC2086 # the list is words
	if systemctl show --property NRestarts --value $units | grep -q '[1-9]'; then
		# shellcheck disable=SC2046 # these are words, too
		journalctl --quiet --no-pager --boot --output short-iso --lines 1 \
			--grep 'Main process exited' $(printf ' --unit %s' $units) |
			sed -n 's/^\([0-9T:-]*\)+[0-9]* [^ ]* [^ ]* /\1 /p'
	fi

	# What supervisord starts again.
	grep -F 'not expected' "$root/var/log/supervisor/supervisord.log" | tail -n 1 |
		sed -n 's/^\([0-9-]*\) \([0-9:]*\),[0-9]* [A-Z]* /\1T\2 /p'

	# A boot after the first.
	booted=$(date -d "$(systemctl show --property UserspaceTimestamp --value)" +%s)
	if [ "$(stat -c %Y "$root/var/lib/escala/set-up")" -lt "$booted" ]; then
		date -d "@$booted" '+%Y-%m-%dT%H:%M:%S the machine was started again'
	fi
} 2>/dev/null | sort | tail -n 1
