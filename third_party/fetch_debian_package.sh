#!/usr/bin/env bash
# Downloads a Debian binary package, checks it, and unpacks it into the current
# directory. Nothing is installed.
#
# Arguments: package, version, sha256. Without the last two it is the version
# that the mirror has, and the check is apt's, of the archive's signature.
set -euo pipefail
package=$1 version=${2-} sha256=${3-}
wanted=$package${version:+=$version}

# shellcheck source=third_party/private_apt.sh
. "$(dirname "$0")/private_apt.sh"
fetch_index_unless apt-get -qq download --print-uris "$wanted"
apt-get -qq download "$wanted" >&2
archive=$(echo "$package"_*.deb)
[[ -z $sha256 ]] || echo "$sha256  $archive" | sha256sum --check --quiet >&2
dpkg-deb -x "$archive" .
rm "$archive"
