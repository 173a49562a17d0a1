#!/usr/bin/env bash
# Asks a real server for a file, and ends it by both signals. Argument: the
# program.
set -euo pipefail
program=$1

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo 'hello, world' >"$folder/hello.txt"

for signal in TERM INT; do
  exec 3< <(exec env --default-signal=INT "$program" "$folder" 0)
  pid=$!
  read -r line <&3
  [[ $line == serving* ]] || { echo "began with: $line" >&2; exit 1; }
  port=$(grep -oE '[0-9]+/$' <<<"$line" | tr -d /)

  exec {peer}<>"/dev/tcp/127.0.0.1/$port" {idle}<>"/dev/tcp/127.0.0.1/$port"
  printf 'GET /hello.txt HTTP/1.0\r\n\r\n' >&"$peer"
  answer=$(cat <&"$peer")
  grep -q '^HTTP/1.1 200 OK' <<<"$answer"
  [[ $(tail -n 1 <<<"$answer") == 'hello, world' ]]

  kill -s "$signal" "$pid"
  [[ $(cat <&3) == 'all answers are sent' ]]
  [[ -z $(cat <&"$idle") ]]
  wait "$pid" || { echo "SIG$signal: exit status $?" >&2; exit 1; }
  exec {peer}>&- {idle}>&-
done
