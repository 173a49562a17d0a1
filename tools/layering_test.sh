#!/usr/bin/env bash
# Fails if a component depends on other libraries than those in its golden file.
# Arguments: the golden file, the output of the query.
set -euo pipefail
golden=$1 closure=$2

# Bazel writes a label of this repository as //x, @//x or @@//x, and Abseil's
# repository under a name that depends on the version; a module's name ends with
# its version, which may be empty: openssl~, openssl+3.3.1. What Bazel links into
# every program by itself is left out.
actual=$(sed -E \
  -e 's|^@+//|//|' \
  -e 's|^@+abseil-cpp[^/]*//.*|@com_google_absl|' \
  -e 's|^@+([^/~+]+)([~+][^/~+]*)?//.*|@\1|' \
  -e '/^@(bazel_tools|rules_cc([~+].*)?)$/d' \
  "$closure" | LC_ALL=C sort -u)
if ! diff -u --label "$golden" --label "what it depends on now" "$golden" - <<<"$actual"; then
  echo "The component's dependencies have changed. If that is meant, update $golden."
  exit 1
fi
