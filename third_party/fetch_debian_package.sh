#!/usr/bin/env bash
# Downloads a Debian binary package, checks it, and unpacks it into the current
# directory. Nothing is installed.
#
# Arguments: package, version, sha256.
set -euo pipefail
package=$1 version=$2 sha256=$3

# shellcheck source=third_party/private_apt.sh
. "$(dirname "$0")/private_apt.sh"
fetch_index_unless apt-get -qq download --print-uris "$package=$version"
apt-get -qq download "$package=$version" >&2
archive=$(echo "$package"_*.deb)
echo "$sha256  $archive" | sha256sum --check --quiet >&2
dpkg-deb -x "$archive" .
rm "$archive"
