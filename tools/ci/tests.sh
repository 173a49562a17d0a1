#!/usr/bin/env bash
# All tests in one configuration of .bazelrc, or as the README says.
# Argument: asan, tsan, noexcept, clang, opt, O0, or none.
set -uo pipefail
source "$(dirname "$0")/lib.sh"

count_tests ./bazelw test ${1+"--config=$1"} //...
finish "tests${1+ $1}"
