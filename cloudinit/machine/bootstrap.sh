#!/bin/sh
# Makes a new machine serve: installs its packages and the agent, which does the
# rest. The unit escala-setup runs it until it has succeeded once.
set -eu

root=${ESCALA_ROOT:-}
# shellcheck source=/dev/null
. "$root/etc/escala/bootstrap.conf"
agent=$root/usr/local/lib/escala/escala-agent policy=$root/usr/sbin/policy-rc.d

# ask ITEM [CURL OPTION…]: EC2's metadata, with what is on the input as curl's
# configuration: every account can read a command line.
ask() {
	item=$1 && shift
	curl --config - --silent --show-error --fail --noproxy '*' --max-time 5 "$@" "$METADATA_URL/latest/$item"
}

# field NAME: the string that the JSON in $json has under NAME.
field() { printf %s "$json" | tr -d '\n' | sed -n "s/.*\"$1\" *: *\"\([^\"\\\\]*\)\".*/\1/p" | grep .; }

# sign: the key that came with the machine, or its role's, as curl's configuration.
sign() {
	if [ -n "$STORE_KEY" ]; then
		json=$(cat "$root$STORE_KEY") && id=$(field access) && secret=$(field secret) || return 1
		printf 'user = "%s:%s"\n' "$id" "$secret"
		return
	fi
	token=$(ask api/token --request PUT --header 'X-aws-ec2-metadata-token-ttl-seconds: 60' </dev/null) || return 1
	header="header = \"X-aws-ec2-metadata-token: $token\"" list=meta-data/iam/security-credentials/
	role=$(printf '%s\n' "$header" | ask "$list") && json=$(printf '%s\n' "$header" | ask "$list$role") || return 1
	id=$(field AccessKeyId) && secret=$(field SecretAccessKey) && token=$(field Token) || return 1
	printf 'user = "%s:%s"\nheader = "x-amz-security-token: %s"\n' "$id" "$secret" "$token"
}

# fetch: the agent from the store, a folder or a bucket. S3 wants the SHA-256 of no
# body, which the curl of Debian 12 does not send by itself.
fetch() {
	case $STORE_URL in /*) cat "$root$STORE_URL/agents/$AGENT_SHA256" && return || return 1 ;; esac
	signing=$(sign) || return 1
	printf '%s\n' "$signing" | curl --config - --silent --show-error --fail --proto '=http,https' --connect-timeout 5 \
		--speed-limit 1024 --speed-time 20 --aws-sigv4 "aws:amz:$STORE_REGION:s3" "$STORE_URL/agents/$AGENT_SHA256" \
		--header x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
}

is_agent() { [ -f "$1" ] && echo "$AGENT_SHA256  $1" | sha256sum --check --status; }

# start_agent: nothing runs that has another checksum, nor before only root reaches
# the cloud's metadata service. 64 MiB are more than any agent has.
start_agent() {
	if [ -e "$root/etc/escala/metadata.nft" ]; then
		command -v nft >/dev/null && systemctl enable --now --no-reload escala-metadata.service || return 1
	fi
	if ! is_agent "$agent"; then
		fetch | head -c 67108864 >"$agent.part"
		is_agent "$agent.part" || return 1
		chmod 0755 "$agent.part" && sync "$agent.part" && mv -T "$agent.part" "$agent" || return 1
	fi
	systemctl start --no-block escala-agent.service
}

# start_allowed: Debian starts a service as it is installed, Nginx twice, unless
# the policy answers 101 (invoke-rc.d(8)). A policy of another's stays.
start_allowed() { ! grep -qs escala "$policy" || rm "$policy"; }

systemctl enable --no-reload escala-setup.service escala-agent.service
systemd-tmpfiles --create "$root/etc/tmpfiles.d/escala.conf"
start_agent || echo "the agent $AGENT_SHA256 from $STORE_URL comes after the packages"
trap start_allowed EXIT && trap 'exit 1' HUP INT TERM
[ -e "$policy" ] || { printf '#!/bin/sh\n# escala\nexit 101\n' >"$policy" && chmod 0755 "$policy"; }
apt() { DEBIAN_FRONTEND=noninteractive apt-get --config-file "$root/etc/escala/apt.conf" "$@"; }
# Where a power cut came in between.
[ -z "$(ls "$root/var/lib/dpkg/updates")" ] || dpkg --configure -a --force-confold
apt --option pkgCacheFile::Generate=false update
# shellcheck disable=SC2086 # the lists are words
apt install $SETUP_PACKAGES
start_allowed
start_agent
: >"$root/var/lib/escala/set-up"
# shellcheck disable=SC2086
systemctl start $SETUP_UNITS
