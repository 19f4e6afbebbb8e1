#!/bin/sh
# The release store as a mounted folder. This is the one seam between a machine
# and where releases come from: every store is a program of this name with this
# one call.
#
#   store get KEY FILE    writes the object KEY to FILE, or says why not
set -eu

folder=${ESCALA_STORE:-/srv/escala/releases}

if [ "$#" -ne 3 ] || [ "$1" != get ]; then
	echo "usage: store get KEY FILE" >&2
	exit 2
fi
[ -f "$folder/$2" ] || {
	echo "the release store has no object $2" >&2
	exit 1
}
exec cp -- "$folder/$2" "$3"
