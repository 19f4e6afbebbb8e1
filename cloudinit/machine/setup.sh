#!/bin/sh
# Makes a new machine serve: installs its packages and, beside that, its first
# release. The unit escala-setup runs it until it has succeeded once.
#
# The packages are what takes long. So apt-get fetches and reads no more than it
# must, nothing of what it installs is started before all of it is there, and the
# release is fetched and tried meanwhile.
set -eu

root=${ESCALA_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/escala/machine.conf"
lib=$root/usr/local/lib/escala
policy=$root/usr/sbin/policy-rc.d

# apt ARGUMENTS: no descriptions and no sources; the index as gzip, which is a
# little larger than xz and takes a quarter of the time to unpack. What is in
# /etc already stays, and a crash would begin all over anyway, so files need not
# be on disk one by one.
apt() {
	DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes --no-install-recommends \
		-o Acquire::Languages=none \
		-o Acquire::IndexTargets::deb-src::Sources::DefaultEnabled=false \
		-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
		-o Acquire::PDiffs=false \
		-o Acquire::CompressionTypes::Order::=gz \
		-o DPkg::Lock::Timeout=300 \
		-o DPkg::Options::=--force-confold \
		-o DPkg::Options::=--force-unsafe-io \
		"$@"
}

# closed: whether only root reaches the cloud's metadata service by now.
closed() {
	[ -e "$root/etc/escala/metadata.nft" ] || return 0
	command -v nft >/dev/null && systemctl enable --now --no-reload escala-metadata.service
}

# Debian starts a service once it is installed, each by itself, Nginx twice.
start_allowed() {
	[ "$(readlink "$policy")" != "$lib/no-start" ] || rm "$policy"
}

systemctl enable --no-reload escala-setup.service release-follower.service
systemd-tmpfiles --create "$root/etc/tmpfiles.d/escala.conf"
if [ -x "$lib/secrets" ]; then
	# Without waiting: it tries until it gets there, and the follower reads them
	# before each roll anyway.
	systemctl enable --now --no-block --no-reload escala-secrets.service
fi

# A release that cannot be had now is the follower's to try again.
release=
if command -v curl >/dev/null && closed; then
	"$lib/release-follower" install &
	release=$!
fi

trap start_allowed EXIT
trap 'exit 1' HUP INT TERM
[ -e "$policy" ] || ln -s "$lib/no-start" "$policy"
# Where a power cut came in between.
[ -z "$(ls "$root/var/lib/dpkg/updates")" ] || dpkg --configure -a --force-confold
# The index is read once, by install.
apt -o pkgCacheFile::Generate=false update
# shellcheck disable=SC2086 # the list is words
apt install $SETUP_PACKAGES
start_allowed
closed

[ -z "$release" ] || wait "$release" || :
: >"$root/var/lib/escala/set-up"
# shellcheck disable=SC2086 # the list is words
systemctl start $SETUP_UNITS release-follower.service
