#!/usr/bin/env bash
# A repository that depends on this one: builds and runs its programs.
set -uo pipefail
source "$(dirname "$0")/lib.sh"

bazelw=$PWD/bazelw
cd examples/consumer || exit 1
count_tests "$bazelw" test //...
finish consumer
