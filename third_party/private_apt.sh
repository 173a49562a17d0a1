# Sourced by the scripts that fetch from Debian: points APT_CONFIG to a private
# apt state, and `fetch_index_unless` brings its index. Needs no root, and leaves
# the machine's own apt state alone: lists and cache are in a temporary folder,
# the mirror and its keyring are those that the machine already uses.

command -v apt-get >/dev/null || { echo "no apt-get on this machine" >&2; exit 1; }
mirror=$(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null |
  sed -n -e 's/^URIs: *\([^ ]*\).*/\1/p' -e 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' |
  sed -n 1p) || true
[[ -n $mirror ]] || { echo "no Debian mirror in this machine's apt sources" >&2; exit 1; }

# One private apt state for all packages of a build, so that the index is
# fetched once.
state=${TMPDIR:-/tmp}/evkit-apt-$(id -u)
mkdir -p "$state"/{lists/partial,cache/archives/partial,sources}
cat >"$state/apt.conf" <<CONF
Dir::State::Lists "$state/lists";
Dir::Cache "$state/cache";
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$state/sources";
APT::Sandbox::User "";
CONF
cat >"$state/sources/bookworm.sources" <<SOURCES
Types: deb-src deb
URIs: $mirror
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
export APT_CONFIG=$state/apt.conf

# fetch_index_unless COMMAND...: unless the command succeeds with the one at hand.
fetch_index_unless() (
  flock 9
  if ! "$@" >/dev/null 2>&1; then
    apt-get -qq update >&2
  fi
) 9>"$state/lock"
