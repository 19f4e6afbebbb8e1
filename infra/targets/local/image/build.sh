#!/bin/sh
# Builds the local machine's root file system in ./rootfs, from the package
# archive that this host itself uses, if it is a Debian 12, and else from
# Debian's own.
set -eu

: >sources.list
# shellcheck source=/dev/null
if [ "$(. /etc/os-release && echo "$VERSION_CODENAME")" = bookworm ]; then
	# apt fills in what stands in parentheses, not the shell.
	# shellcheck disable=SC2016
	apt-get indextargets --format \
		'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 'Origin: Debian' | grep -E ' (bookworm|bookworm-updates|bookworm-security) main$' | sort -u >sources.list || :
fi
if [ -s sources.list ]; then
	set -- sources.list
fi

proxy=$(apt-config dump --format '%f "%v";%n' Acquire::http::Proxy)
printf '%s\n' "$proxy" >proxy.conf

# ifupdown would try to set up an interface that the container already has.
# "$1" is for the shell that mmdebstrap runs.
# shellcheck disable=SC2016
mmdebstrap --variant=important \
	--include=systemd-sysv,dbus,cloud-init,netplan.io,curl,ca-certificates,gpg,locales \
	--customize-hook='chroot "$1" apt-get purge --yes ifupdown' \
	--customize-hook='upload cloud.cfg /etc/cloud/cloud.cfg.d/90_local.cfg' \
	--customize-hook='upload proxy.conf /etc/apt/apt.conf.d/01proxy' \
	bookworm rootfs "$@" >&2
