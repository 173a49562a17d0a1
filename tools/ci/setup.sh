#!/usr/bin/env bash
# Installs what the jobs need and the machine lacks, with apt: clang for its
# lane, clang-format and, where its registry can be reached, npm (for buildifier)
# for the formatters. Bazel is ./bazelw's affair.
set -euo pipefail

missing=()
# Arguments: command, the package that has it.
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need git git
need clang clang
need clang-format clang-format
! getent hosts registry.npmjs.org >/dev/null || need npm npm
need nm binutils
need python3 python3
((${#missing[@]} > 0)) || exit 0

as_root=()
[[ $(id -u) == 0 ]] || as_root=(sudo)
echo "Installing: ${missing[*]}"
${as_root[@]+"${as_root[@]}"} apt-get -qq update
${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
  apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
