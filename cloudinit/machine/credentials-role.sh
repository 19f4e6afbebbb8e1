#!/bin/sh
# Prints what curl signs a request with, in the form of a curl configuration:
# the temporary credentials of the role that this machine has on AWS, from the
# instance metadata service, version 2.
set -eu

root=${ESCALA_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/escala/metadata.conf"

# ask PATH [CURL OPTION…]: the standard input is more configuration for curl.
ask() {
	path=$1
	shift
	curl --config - --silent --show-error --fail --noproxy '*' --max-time 5 "$@" "$METADATA_URL/latest/$path" || {
		echo "the instance metadata service does not answer $path" >&2
		exit 1
	}
}

# field NAME: the string that the JSON on the standard input has under NAME.
field() { tr -d '\n' | sed -n "s/.*\"$1\" *: *\"\([^\"\\\\]*\)\".*/\1/p"; }

token=$(ask api/token --request PUT --header 'X-aws-ec2-metadata-token-ttl-seconds: 60' </dev/null)
as="header = \"X-aws-ec2-metadata-token: $token\""
role=$(printf '%s\n' "$as" | ask meta-data/iam/security-credentials/)
answer=$(printf '%s\n' "$as" | ask "meta-data/iam/security-credentials/$role")

id=$(printf %s "$answer" | field AccessKeyId)
secret=$(printf %s "$answer" | field SecretAccessKey)
session=$(printf %s "$answer" | field Token)
if [ -z "$id" ] || [ -z "$secret" ] || [ -z "$session" ]; then
	echo "the instance metadata service has no credentials for the role $role" >&2
	exit 1
fi
printf 'user = "%s:%s"\nheader = "x-amz-security-token: %s"\n' "$id" "$secret" "$session"
