#!/usr/bin/env bash
# Ends the example as a service manager does, by SIGTERM, and as a user does, by
# SIGINT. Argument: the program.
set -euo pipefail
program=$1

for signal in TERM INT; do
  # Background jobs of a script ignore SIGINT unless they are told otherwise.
  exec 3< <(exec env --default-signal=INT "$program")
  pid=$!
  read -r line <&3
  [[ $line == serving ]] || { echo "began with: $line" >&2; exit 1; }
  kill -s "$signal" "$pid"
  output=$(cat <&3)
  wait "$pid" || { echo "SIG$signal: exit status $?" >&2; exit 1; }
  echo "$output"
  grep -q 'no more work is taken' <<<"$output"
  grep -qE '^[0-9]+ jobs finished, [1-9][0-9]* cancelled$' <<<"$output"
done
