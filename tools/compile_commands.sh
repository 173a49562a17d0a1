#!/usr/bin/env bash
# Writes compile_commands.json, for clangd and clang-tidy. Arguments are options
# for Bazel (--config=clang).
#
# Sources and headers are given as the files that you edit: "evkit/base/x.h" is
# found through a folder in ~/.cache whose one entry, evkit, is this checkout.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

checkout=$PWD
include=${XDG_CACHE_HOME:-$HOME/.cache}/evkit-include/$(sha256sum <<<"$checkout" | head -c 16)
mkdir -p "$include"
ln -sfn "$checkout" "$include/evkit"

actions=$(mktemp)
trap 'rm "$actions"' EXIT
./bazelw aquery --noshow_progress --output=jsonproto "$@" 'mnemonic("CppCompile", //...)' >"$actions" 2>"$actions.said" || {
  cat "$actions.said" >&2
  rm "$actions.said"
  exit 1
}
rm "$actions.said"
# What clangd follows into: generated and outside headers have to be there.
external=$(./bazelw info output_base 2>/dev/null)/external
python3 tools/compile_commands.py "$checkout" "$include" "$external" <"$actions"
