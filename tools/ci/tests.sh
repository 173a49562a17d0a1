#!/usr/bin/env bash
# The tests in one configuration of .bazelrc, or as the README says. Arguments:
# plain, asan, tsan, noexcept, clang, opt or O0; targets, all if there are none.
set -uo pipefail
source "$(dirname "$0")/lib.sh"

config=${1:-plain}
shift
flags=()
[[ $config == plain ]] || flags+=("--config=$config")
# Benchmarks are for the builds that are measured, or that may not compile them.
case $config in
  asan | tsan | noexcept | O0)
    flags+=(--build_tag_filters=-benchmark --test_tag_filters=-benchmark)
    ;;
esac

count_tests ./bazelw test ${flags[@]+"${flags[@]}"} "${@-//...}"
finish "tests $config"
