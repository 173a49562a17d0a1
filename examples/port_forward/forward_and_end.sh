#!/usr/bin/env bash
# Reaches an echo server through the forwarder. Arguments: the two programs.
set -euo pipefail
port_forward=$1
echo_server=$2

# Reads what a server says, from the descriptor $1, and sets `port`.
port_of() {
  local line
  read -r line <&"$1"
  [[ $line =~ ^"listening on 127.0.0.1:"([0-9]+) ]]
  port=${BASH_REMATCH[1]}
}

exec 3< <(exec "$echo_server" --port=0)
echo_pid=$!
port_of 3
exec 4< <(exec env --default-signal=INT "$port_forward" --port=0 --to_port="$port" 2>&1)
forward_pid=$!
port_of 4

for i in {1..4}; do
  exec {connection}<>"/dev/tcp/127.0.0.1/$port"
  echo "hello $i" >&"$connection"
  read -r answer <&"$connection"
  [[ $answer == "hello $i" ]] || { echo "got: $answer" >&2; exit 1; }
done

# Without the other end a connection ends.
kill -s TERM "$echo_pid"
wait "$echo_pid"
if read -r answer <&"$connection"; then echo "got: $answer" >&2; exit 1; fi
exec {connection}<>"/dev/tcp/127.0.0.1/$port"
if read -r answer <&"$connection"; then echo "got: $answer" >&2; exit 1; fi
read -r line <&4
echo "$line"
grep -q 'refused' <<<"$line"

kill -s INT "$forward_pid"
wait "$forward_pid"
