#!/bin/sh
# The Debian packages that the tutorial's stack needs beside those of the tests.
# A Node.js that is there already stays.
set -eu

missing=
command -v node >/dev/null || missing="nodejs npm"
command -v npm >/dev/null || missing="nodejs npm"
[ -n "$missing" ] || exit 0
apt-get update --quiet
# shellcheck disable=SC2086 # the list is words
DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends $missing
