#!/usr/bin/env bash
# Starts the echo server, talks to it over several connections, and ends it by a
# signal. Arguments: the program, the mode.
set -euo pipefail
program=$1
mode=$2

exec 3< <(exec "$program" --mode="$mode" --port=0)
pid=$!
read -r line <&3
echo "$line"
[[ $line =~ ^"listening on 127.0.0.1:"([0-9]+) ]]
port=${BASH_REMATCH[1]}

connections=()
for i in {1..8}; do
  exec {connection}<>"/dev/tcp/127.0.0.1/$port"
  connections+=("$connection")
  echo "hello $i" >&"$connection"
done
for i in {1..8}; do
  read -r answer <&"${connections[i - 1]}"
  [[ $answer == "hello $i" ]] || { echo "got: $answer" >&2; exit 1; }
done

# One ends it by itself, the others are told.
exec {connections[0]}>&-
kill -s TERM "$pid"
for connection in "${connections[@]:1}"; do
  if read -r answer <&"$connection"; then echo "got: $answer" >&2; exit 1; fi
done
output=$(cat <&3)
wait "$pid"
grep -qx 'done' <<<"$output"
