#!/bin/sh
# Prints what curl signs a request with, in the form of a curl configuration:
# the key that only root can read here.
set -eu

root=${ESCALA_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/escala/store-key.conf"
printf 'user = "%s:%s"\n' "$ACCESS_KEY" "$SECRET_KEY"
