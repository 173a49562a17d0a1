#!/usr/bin/env bash
# All tests with the dependencies of MODULE.bazel, where `bazel` is version 7 or
# later. Not part of .ci/run: such a Bazel needs a registry.
set -uo pipefail
source "$(dirname "$0")/lib.sh"

version=$(./bazelw version 2>/dev/null | sed -nE 's/^Build label: ([0-9]+).*/\1/p')
if ((${version:-0} < 7)); then
  echo "modules: needs Bazel 7 or later"
  exit 1
fi
count_tests ./bazelw test --enable_bzlmod //...
finish modules
