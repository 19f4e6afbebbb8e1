#!/bin/sh
# Starts one worker: gives the process what every worker gets (environment)
# and what only this one has, and becomes the service. The supervisor runs
# "worker NUMBER", with the shared socket as its standard input, unless each
# worker has a port of its own (PORTS_BASE and up); preflight runs a release that
# does not serve yet.
#
#   worker NUMBER                        a worker of the current release
#   worker preflight BINARY SOCKET ADMIN a release on a socket of its own
set -eu

root=${ESCALA_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/escala/machine.conf"
# shellcheck source=/dev/null
. "$root/etc/escala/environment"

# The first release's workers are there before it and start with it: one that
# ended instead would be tried again by the supervisor later and later.
if [ "$1" != preflight ] && [ ! -e "$root/opt/escala/current" ]; then
	echo "waiting for the first release"
	until [ -e "$root/opt/escala/current" ]; do sleep 0.1; done
fi
if [ -e "$root/etc/escala/secrets.conf" ]; then
	if [ ! -r "$root/run/escala-secrets/environment" ]; then
		echo "the service's secrets have not been read yet"
		exit 1
	fi
	# shellcheck source=/dev/null
	. "$root/run/escala-secrets/environment"
fi

if [ "$1" = preflight ]; then
	export WORKER="$WORKER_COUNT" LISTEN="unix:$3" ADMIN_SOCKET="$4"
	exec "$2" serve
fi
export WORKER="$1" ADMIN_SOCKET="$root/run/escala/worker-$1.sock"
if [ -n "${PORTS_BASE:-}" ]; then
	export HOST=127.0.0.1 PORT="$((PORTS_BASE + $1))"
else
	export LISTEN=fd:0
fi
exec "$root/opt/escala/current/$NAME" serve
