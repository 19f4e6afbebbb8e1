#!/bin/sh
# Tries a release on a socket of its own, as the service's user, before any
# worker runs it: it must become ready, answer, be what its checksum says and
# end when it is asked to. A release that fails here has not met one request.
#
#   preflight RELEASE BINARY
#
# Prints one line that says what is wrong, and exits 1; what the release itself
# printed is left in preflight.log.
set -eu

root=${ESCALA_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/escala/machine.conf"
release=$1
binary=$2
run=$root/run/escala
log=$root/var/lib/escala/preflight.log
pidfile=$root/run/escala-release/preflight.pid
pid=

# A preflight that was killed must not leave its process behind: the number in
# the file may be somebody else's by now, so look at what it runs.
leftover() {
	[ -f "$pidfile" ] || return 0
	read -r old <"$pidfile" || old=
	case $(readlink "/proc/$old/exe" 2>/dev/null || :) in
	"$root"/opt/escala/*) kill -KILL "$old" 2>/dev/null || : ;;
	esac
	rm -f "$pidfile"
}

refuse() {
	echo "$1"
	[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || :
	rm -f "$pidfile" "$run/preflight.sock" "$run/preflight-admin.sock"
	exit 1
}

alive() { kill -0 "$pid" 2>/dev/null; }

# ask SOCKET PATH: the status and the release of the answer.
ask() {
	curl --silent --max-time 5 --output /dev/null --unix-socket "$1" \
		--write-out '%{http_code} %header{x-release}' "http://$NAME$2" || :
}

leftover
rm -f "$run/preflight.sock" "$run/preflight-admin.sock"
as_user=
[ "$(id -u)" -ne 0 ] || as_user="setpriv --reuid=$SERVICE_USER --regid=$(id -g "$SERVICE_USER") --clear-groups --no-new-privs --"
# What it prints is kept up to a bound: a release may print for ever.
rm -f "$log.pipe"
mkfifo -m 0600 "$log.pipe"
{
	head -c 262144 >"$log"
	cat >/dev/null
} <"$log.pipe" 9>&- &
exec 3>"$log.pipe"
rm -f "$log.pipe"
# Descriptor 9 is the follower's lock, which must not outlive the follower.
# shellcheck disable=SC2086 # as_user is several words on purpose
$as_user "$root/usr/local/lib/escala/worker" preflight "$binary" "$run/preflight.sock" "$run/preflight-admin.sock" \
	</dev/null >&3 2>&1 9>&- &
pid=$!
exec 3>&-
echo "$pid" >"$pidfile"

deadline=$(($(date +%s) + START_SECONDS))
while :; do
	case $(ask "$run/preflight-admin.sock" "$READY_PATH") in
	"200 "*) break ;;
	esac
	if ! alive; then
		code=0
		wait "$pid" || code=$?
		pid=
		refuse "it exits at start with status $code"
	fi
	[ "$(date +%s)" -lt "$deadline" ] || refuse "it is not ready within $START_SECONDS s"
	sleep 0.1
done

answer=$(ask "$run/preflight.sock" "$HEALTH_PATH")
case $answer in
"200 $release") ;;
"200 "*) refuse "it answers as release ${answer#* }" ;;
*) refuse "$HEALTH_PATH answers ${answer%% *}, not 200" ;;
esac
# What the root path answers is the service's own business, but for an error
# of the service itself.
answer=$(ask "$run/preflight.sock" /)
case $answer in
5* | 000*) refuse "/ answers ${answer%% *}" ;;
esac

kill -TERM "$pid"
deadline=$(($(date +%s) + STOP_SECONDS))
while alive; do
	[ "$(date +%s)" -lt "$deadline" ] || refuse "it does not end within $STOP_SECONDS s of SIGTERM"
	sleep 0.1
done
code=0
wait "$pid" || code=$?
pid=
[ "$code" -eq 0 ] || refuse "it ends with status $code on SIGTERM, not 0"
rm -f "$pidfile" "$run/preflight.sock" "$run/preflight-admin.sock"
