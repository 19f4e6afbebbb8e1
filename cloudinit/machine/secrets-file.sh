#!/bin/sh
# Puts the secrets that came with the machine into memory, where only root and
# the service's user can read them.
set -eu

root=${ESCALA_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/escala/machine.conf"
folder=$root/run/escala-secrets

install -d -m 0750 -g "$SERVICE_USER" "$folder"
install -m 0640 -g "$SERVICE_USER" "$root/etc/escala/secrets.conf" "$folder/environment.new"
mv -T "$folder/environment.new" "$folder/environment"
