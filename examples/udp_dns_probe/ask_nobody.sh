#!/usr/bin/env bash
# Runs the program where no server of the DNS is, nor a network. Argument: it.
set -uo pipefail
program=$1
expect() {
  local status=$1 text=$2 output
  shift 2
  output=$("$program" "$@" 2>&1)
  if [[ $? != "$status" ]] || ! grep -qF -- "$text" <<<"$output"; then
    echo "$*: expected $status and '$text', got: $output" >&2
    exit 1
  fi
}
expect 2 'usage: udp_dns_probe'
expect 2 'not an address: nowhere' nowhere example.com
expect 2 'unknown type: B' 127.0.0.1 example.com B
expect 1 '127.0.0.1:1 example.com AAAA: UNAVAILABLE' 127.0.0.1:1 example.com a aaaa
expect 1 'not a name of the DNS' 127.0.0.1:1 a..b
