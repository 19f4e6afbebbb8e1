#!/bin/sh
# Keeps this machine on the release that the release store's pointer names.
#
#   release-follower run      forever, every POLL_SECONDS
#   release-follower once     one round
#   release-follower install  what of a round needs no supervisor
#   release-follower status   what is wanted, what runs, and why not (JSON)
#
# A round looks at what is there and does what is missing, so it does not matter
# where the round before was interrupted: fetch, verify, install beside the
# others, preflight, switch the symlink, replace the workers one at a time. The
# first failure switches back. Only two things are remembered between rounds:
# which release a roll came from (rolling), and which one was refused (refused).
set -eu

root=${ESCALA_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/escala/machine.conf"
lib=$root/usr/local/lib/escala
releases=$root/opt/escala/releases
current=$root/opt/escala/current
state=$root/var/lib/escala
run=$root/run/escala-release
wanted='' wanted_size='' reason='' phase=serving incident=''

running() { basename "$(readlink "$current" 2>/dev/null || echo none)"; }
is_release() { case $1 in *[!0-9a-f]* | '') return 1 ;; *) [ ${#1} -eq 64 ] ;; esac; }
short() { printf %.12s "$1"; }

# write FILE: replaces FILE by the standard input, whole or not at all.
write() {
	cat >"$1.new"
	sync "$1.new"
	mv -T "$1.new" "$1"
}

# worker NUMBER: the status and the release with which it answers for itself.
worker() {
	curl --silent --max-time 2 --output /dev/null --unix-socket "$root/run/escala/worker-$1.sock" \
		--write-out '%{http_code} %header{x-release}' "http://$NAME$READY_PATH" || :
}

# plain: makes any text one that fits between the quotes of JSON.
plain() { tr '"\\\t\n' "'/  " | tr -cd '[:print:]'; }

# publish: what the gate, the operator and Nginx's /-/release read.
publish() {
	workers=
	number=0
	while [ "$number" -lt "$WORKER_COUNT" ]; do
		answer=$(worker "$number")
		ready=false
		[ "${answer%% *}" = 200 ] && ready=true
		release=${answer#* }
		is_release "$release" || release=
		workers="$workers${workers:+,}{\"worker\":$number,\"release\":\"$release\",\"ready\":$ready}"
		number=$((number + 1))
	done
	now=$(running)
	is_release "$now" || now=
	said=$(printf %.400s "$reason" | plain)
	printf '{"machine":"%s","phase":"%s","wanted":"%s","current":"%s","reason":"%s","incident":"%s","attempts":%d,"checked":%d,"workers":[%s]}\n' \
		"$machine" "$phase" "$wanted" "$now" "$said" "$(printf %.300s "$incident" | plain)" "$attempts" "$(date +%s)" "$workers" >"$run/status.json.new"
	mv -T "$run/status.json.new" "$run/status.json"
}

log() { echo "release-follower: $*" >&2; }

# failing REASON: this round did not get there; the next one tries again.
failing() {
	phase=failing reason=$1
	attempts=$((attempts + 1))
	log "$1"
}

# refuse RELEASE REASON LOGFILE: final until the pointer names another release.
refuse() {
	{
		echo "$1 $2"
		tail -n 20 "$3" 2>/dev/null || :
	} | write "$state/refused"
	phase=refused reason=$2
	log "release $(short "$1") is refused: $2"
}

read_pointer() {
	if ! why=$("$lib/store" get current "$state/pointer" 2>&1); then
		failing "reading the release pointer: $why"
		return 1
	fi
	read -r wanted wanted_size extra <"$state/pointer" || :
	case ${extra:-} in '') ;; *) wanted= ;; esac
	case $wanted_size in '' | *[!0-9]*) wanted= ;; esac
	if ! is_release "$wanted"; then
		wanted=
		failing "the release pointer is not a SHA-256 and a size"
		return 1
	fi
}

# fetch: installs the wanted release beside the others. The folder appears by
# one rename, so a release that is there is whole; it is checked all the same,
# for a disk may have lost what a crash cut off.
fetch() {
	[ -f "$releases/$wanted/$NAME" ] && verify "$releases/$wanted/$NAME" && return 0
	tmp=$releases/.fetch
	rm -rf "$tmp" "${releases:?}/$wanted"
	need=$((wanted_size / 1024 + 16384))
	free=$(df -Pk "$releases" | awk 'NR==2 {print $4}')
	if [ "$free" -lt "$need" ]; then
		failing "the disk has $((free / 1024)) MiB free, release $(short "$wanted") needs $((need / 1024)) MiB: free some or take a larger disk"
		return 1
	fi
	mkdir "$tmp"
	if ! why=$("$lib/store" get "releases/$wanted" "$tmp/$NAME" 2>&1); then
		failing "fetching release $(short "$wanted"): $(echo "$why" | tail -n 1)"
		return 1
	fi
	if ! verify "$tmp/$NAME"; then
		failing "release $(short "$wanted") is not what it should be: $why"
		return 1
	fi
	chmod 0755 "$tmp/$NAME"
	sync "$tmp/$NAME"
	mv -T "$tmp" "$releases/$wanted"
	sync "$releases"
}

verify() {
	size=$(stat -c %s "$1")
	if [ "$size" -ne "$wanted_size" ]; then
		why="it has $size bytes, not $wanted_size"
		return 1
	fi
	sum=$(sha256sum <"$1")
	sum=${sum%% *}
	why="its SHA-256 is $(short "$sum")…"
	[ "$sum" = "$wanted" ]
}

# switch RELEASE: from here on a worker that starts runs RELEASE.
switch() {
	touch "$releases/$1"
	ln -sfn "releases/$1" "$root/opt/escala/.current"
	mv -T "$root/opt/escala/.current" "$current"
	sync "$root/opt/escala"
}

# supervise COMMAND WORKER: what it came to is seen on the worker itself.
supervise() {
	supervisorctl -c "$root/etc/supervisor/supervisord.conf" "$@" >/dev/null 2>&1 9>&- || :
}

# replace_worker NUMBER: restarts one worker and waits until it answers for
# itself, with the current release, and has gone on doing so.
replace_worker() {
	want="200 $(running)"
	supervise restart "$NAME:${NAME}_$1"
	deadline=$(($(date +%s) + START_SECONDS))
	until [ "$(worker "$1")" = "$want" ]; do
		[ "$(date +%s)" -lt "$deadline" ] || return 1
		sleep 0.2
	done
	sleep "$STEADY_SECONDS"
	[ "$(worker "$1")" = "$want" ]
}

# settled NUMBER: whether the worker runs the current release. One that does not
# answer may have died and be on its way back already, by the supervisor's
# hand: it gets a moment, for a restart now would only hit it again.
settled() {
	answer=$(worker "$1")
	patience=15
	while case $answer in "200 "*) false ;; esac && [ "$patience" -gt 0 ]; do
		sleep 0.2
		patience=$((patience - 1))
		answer=$(worker "$1")
	done
	[ "$answer" = "200 $(running)" ]
}

# converge: replaces, one after the other, the workers that do not run the
# current release. Stops at the first that does not come up.
converge() {
	number=0
	while [ "$number" -lt "$WORKER_COUNT" ]; do
		if ! settled "$number"; then
			replacing=$number
			publish
			number=$replacing
			replace_worker "$number" || return 1
		fi
		number=$((number + 1))
	done
}

# give_up REASON LOGFILE: back to the release that the roll came from.
give_up() {
	bad=$(running)
	read -r _ from <"$state/rolling" || from=
	refuse "$bad" "$1" "$2"
	if is_release "$from" && [ -f "$releases/$from/$NAME" ]; then
		switch "$from"
	fi
	rm -f "$state/rolling"
	converge || log "worker $number does not come back with release $(short "$(running)") either"
}

# prune: the last KEPT releases stay, by when they were last switched to.
prune() {
	find "$releases" -mindepth 1 -maxdepth 1 -type d -name '[0-9a-f]*' -printf '%T@ %f\n' | sort -rn |
		awk -v kept="$KEPT" -v current="$(running)" 'NR > kept && $2 != current {print $2}' |
		while read -r old; do rm -rf "${releases:?}/$old"; done
}

install_wanted() {
	fetch || return 0
	phase=rolling reason="trying release $(short "$wanted")"
	publish
	# A secret may have another value by now, and this roll starts every worker.
	if [ -x "$lib/secrets" ] && ! why=$("$lib/secrets" 2>&1); then
		failing "$why"
		return 0
	fi
	if ! why=$("$lib/preflight" "$wanted" "$releases/$wanted/$NAME"); then
		refuse "$wanted" "release $(short "$wanted") fails its preflight: $why" "$state/preflight.log"
		return 0
	fi
	from=$(running)
	echo "$wanted $from" | write "$state/rolling"
	switch "$wanted"
	log "rolling to release $(short "$wanted")"
}

# look: what is wanted, and is it here.
look() {
	phase=serving reason=
	read_pointer || return 0
	refused=
	[ ! -f "$state/refused" ] || read -r refused reason <"$state/refused" || :
	if [ "$refused" = "$wanted" ]; then
		phase=refused
		return 0
	fi
	rm -f "$state/refused"
	reason=
	[ "$wanted" = "$(running)" ] || [ -f "$state/rolling" ] || install_wanted
}

once() {
	look
	if [ -L "$current" ]; then
		[ ! -f "$state/rolling" ] || phase=rolling reason="rolling to release $(short "$(running)")"
		if converge; then
			if [ -f "$state/rolling" ]; then
				[ "$(running)" != "$wanted" ] || rm -f "$state/refused"
				rm -f "$state/rolling"
				log "release $(short "$(running)") serves on all $WORKER_COUNT workers"
				phase=serving reason=
			fi
			prune
		elif [ -f "$state/rolling" ]; then
			give_up "worker $number does not come up with release $(short "$(running)")" "$root/var/log/escala/worker-$number.log"
		elif [ "$phase" != refused ]; then
			failing "worker $number does not come up with release $(short "$(running)")"
		fi
	fi
	case $phase in serving | rolling) attempts=0 ;; esac
	incident=$("$lib/incident") || incident=
	publish
}

attempts=0
# The cloud's own name of this machine tells the gate which one an address leads
# to.
machine=$(head -c 64 "$root/var/lib/cloud/data/instance-id" 2>/dev/null | tr -cd 'A-Za-z0-9._-')
mkdir -p "$run" "$state" "$releases"
case ${1:-} in
status)
	cat "$run/status.json"
	[ ! -f "$state/refused" ] || sed 1d "$state/refused" >&2
	exit 0
	;;
once | run | install) ;;
*)
	echo "usage: release-follower run|once|install|status" >&2
	exit 2
	;;
esac
exec 9>"$run/lock"
flock 9
if [ "$1" = install ]; then
	look
	publish
	exit 0
fi
once
[ "$1" = run ] || exit 0
while :; do
	sleep "$POLL_SECONDS"
	once
done
