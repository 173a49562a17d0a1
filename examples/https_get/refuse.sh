#!/usr/bin/env bash
# Runs the program where there is no server, nor a network. Argument: it.
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
expect 2 'usage: https_get'
expect 2 'not an https URL: http://127.0.0.1/' http://127.0.0.1/
expect 1 'nowhere.pem' --ca=nowhere.pem https://127.0.0.1/
expect 1 'UNAVAILABLE' https://127.0.0.1:1/
