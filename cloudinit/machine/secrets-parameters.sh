#!/bin/sh
# Reads the service's secrets from AWS' Parameter Store into memory, where only
# root and the service's user can read them. Nothing is replaced unless all of
# them could be read.
set -eu

root=${ESCALA_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/escala/machine.conf"
# shellcheck source=/dev/null
. "$root/etc/escala/secrets.conf"
folder=$root/run/escala-secrets

signing=$("$root/usr/local/lib/escala/credentials")
install -d -m 0750 -g "$SERVICE_USER" "$folder"
umask 077
: >"$folder/environment.new"
for name in $SECRETS_NAMES; do
	if ! answer=$(printf '%s\n' "$signing" | curl --config - --silent --show-error --fail \
		--proto '=http,https' --connect-timeout 5 --max-time 20 \
		--aws-sigv4 "aws:amz:$SECRETS_REGION:ssm" \
		--header 'Content-Type: application/x-amz-json-1.1' \
		--header 'X-Amz-Target: AmazonSSM.GetParameter' \
		--data "{\"Name\":\"$SECRETS_PATH/$name\",\"WithDecryption\":true}" "$SECRETS_URL/" 2>&1); then
		rm -f "$folder/environment.new"
		echo "the secret $SECRETS_PATH/$name cannot be read: $answer" >&2
		exit 1
	fi
	# cloud-init and supervisord are Python: it is always there.
	printf %s "$answer" | python3 -c '
import json, shlex, sys
value = json.load(sys.stdin)["Parameter"]["Value"]
print("export " + sys.argv[1] + "=" + shlex.quote(value))
' "$name" >>"$folder/environment.new"
done
chgrp "$SERVICE_USER" "$folder/environment.new"
chmod 0640 "$folder/environment.new"
mv -T "$folder/environment.new" "$folder/environment"
