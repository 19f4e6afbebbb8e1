#!/bin/sh
# The release store as a bucket that speaks S3's protocol: S3 itself, or Spaces.
# What to sign with comes from the program "credentials".
#
#   store get KEY FILE    writes the object KEY to FILE, or says why not
set -eu

root=${ESCALA_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/escala/store.conf"

if [ "$#" -ne 3 ] || [ "$1" != get ]; then
	echo "usage: store get KEY FILE" >&2
	exit 2
fi
# S3 wants it said that there is no body: the SHA-256 of nothing. The curl of
# Debian 12 does not say it by itself.
nothing=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
signing=$("$root/usr/local/lib/escala/credentials")
# The credentials go in by a pipe: every account can read a command line.
# No --max-time: a large release on a slow line may take long, but not stand
# still.
if ! why=$(printf '%s\n' "$signing" | curl --config - --silent --show-error --fail \
	--proto '=http,https' --connect-timeout 5 --speed-limit 1024 --speed-time 20 \
	--aws-sigv4 "aws:amz:$STORE_REGION:s3" --header "x-amz-content-sha256: $nothing" \
	--output "$3" "$STORE_URL/$2" 2>&1); then
	echo "$STORE_URL/$2: ${why#curl: }" >&2
	exit 1
fi
