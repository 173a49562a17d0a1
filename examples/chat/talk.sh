#!/usr/bin/env bash
# Two people talk over a real server, which Ctrl-C ends. Argument: the program.
set -euo pipefail
program=$1

exec 3< <(exec env --default-signal=INT "$program" 0)
pid=$!
read -r line <&3
port=$(grep -oE '[0-9]+\]' <<<"$line" | tr -d ']')

exec {ann}<>"/dev/tcp/127.0.0.1/$port" {bob}<>"/dev/tcp/127.0.0.1/$port"
expect() {
  local heard
  read -r -t 60 heard <&"$1"
  [[ $heard == "$2" ]] || { echo "heard: $heard, not: $2" >&2; exit 1; }
}
expect "$ann" 'Your name?'
expect "$bob" 'Your name?'
echo ann >&"$ann"
echo /who >&"$ann"
expect "$ann" 'ann'
echo bob >&"$bob"
expect "$ann" 'bob has come.'
echo 'hello' >&"$bob"
expect "$ann" 'bob: hello'

kill -s INT "$pid"
wait "$pid" || { echo "exit status $?" >&2; exit 1; }
