#!/usr/bin/env bash
# The formatters and every tools/check_*.sh.
set -uo pipefail
source "$(dirname "$0")/lib.sh"

export EVKIT_CI=1
for script in tools/check_*.sh; do
  check "$script"
done
finish checks
