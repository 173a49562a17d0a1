#!/usr/bin/env bash
# Runs an example. Fails if it does, or if one of the texts given does not occur
# in what it prints. Arguments: the program, the texts.
set -euo pipefail
program=$1
shift
output=$("$program")
echo "$output"
for text in "$@"; do
  grep -qF -- "$text" <<<"$output" || { echo "not printed: $text" >&2; exit 1; }
done
