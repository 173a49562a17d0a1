#!/usr/bin/env bash
# All tests in one configuration of .bazelrc, or as the README says.
# Argument: asan, tsan, noexcept, clang, opt, O0, or none.
set -uo pipefail
source "$(dirname "$0")/lib.sh"

# Benchmarks are for the builds that are measured, or that may not compile them.
benchmarks=()
case ${1-} in
  asan | tsan | noexcept | O0) benchmarks=(--build_tag_filters=-benchmark) ;;
esac

count_tests ./bazelw test ${1+"--config=$1"} ${benchmarks[@]+"${benchmarks[@]}"} //...
finish "tests${1+ $1}"
