#!/usr/bin/env bash
# Downloads the upstream archive of a Debian source package into the current
# directory and checks it.
#
# Arguments: source package, name of its .orig.tar file, sha256 of that file.
set -euo pipefail
package=$1 archive=$2 sha256=$3

# shellcheck source=third_party/private_apt.sh
. "$(dirname "$0")/private_apt.sh"
fetch_index_unless apt-cache showsrc "$package"
apt-get -qq source --tar-only --download-only "$package" >&2
echo "$sha256  $archive" | sha256sum --check --quiet >&2
