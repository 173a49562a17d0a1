#!/usr/bin/env bash
# The formatters, every tools/check_*.sh, and whether the contract and the bug
# catalogue are tested.
set -uo pipefail
source "$(dirname "$0")/lib.sh"

for script in tools/check_*.sh; do
  check "$script"
done
check tools/contract_coverage --check
check tools/bug_coverage --check
finish checks
