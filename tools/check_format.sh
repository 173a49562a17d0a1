#!/usr/bin/env bash
# Fails if clang-format, buildifier or the shell's own parser would have it
# otherwise. With --fix, formats in place instead.
#
# buildifier comes from npm into a temporary folder that is kept; where it cannot
# be had, as on a machine that reaches nothing but a Debian mirror, a line says
# that BUILD files were not looked at.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
readonly buildifier_version=8.2.1

failed=0
fix=0
[[ ${1-} != --fix ]] || fix=1

mapfile -t sources < <(project_files '*.cc' '*.h')
if ! command -v clang-format >/dev/null; then
  echo "check_format: needs clang-format"
  failed=1
elif ((fix)); then
  clang-format -i "${sources[@]}"
else
  clang-format --dry-run -Werror "${sources[@]}" || failed=1
fi

# Prints the path of buildifier; downloads it if need be.
find_buildifier() {
  local folder=${TMPDIR:-/tmp}/evkit-buildifier-$buildifier_version-$(id -u)
  local program=$folder/node_modules/.bin/buildifier
  if command -v buildifier; then return; fi
  if [[ ! -x $program ]]; then
    command -v npm >/dev/null || return 1
    mkdir -p "$folder"
    (cd "$folder" && npm install --no-save --silent "@bazel/buildifier@$buildifier_version" >&2 &&
      [[ -x $program ]]) || return 1
  fi
  echo "$program"
}

mapfile -t builds < <(project_files '*.bazel' '*.bzl' WORKSPACE '*/WORKSPACE' '*.bzlmod')
if ! buildifier=$(find_buildifier); then
  echo "check_format: buildifier cannot be had from npm: BUILD files not checked"
elif ((fix)); then
  "$buildifier" -mode=fix -lint=fix "${builds[@]}"
else
  "$buildifier" -mode=diff -lint=warn "${builds[@]}" || failed=1
fi

while IFS= read -r script; do
  bash -n "$script" || failed=1
done < <(project_files '*.sh' bazelw .ci/run)

((failed)) || echo "check_format: ${#sources[@]} C++ files and ${#builds[@]} build files"
exit "$failed"
