# shellcheck shell=bash
#
# What the jobs of this folder share; sourced, from any folder. Each job is a
# script that can be run by hand and ends with a line
#
#   <job>: N passed, N failed
#
# which .ci/run adds up. A job that ran nothing has failed.

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit

passed=0
failed=0

# Runs a command that counts as one check. Arguments: the command.
check() {
  local began=$SECONDS
  if "$@"; then
    passed=$((passed + 1))
    echo "PASSED in $((SECONDS - began))s: $*"
  else
    failed=$((failed + 1))
    echo "FAILED in $((SECONDS - began))s: $*"
  fi
}

# Runs a `bazel test` command and counts its test targets. A command that fails
# although no test did (something else does not build) counts as one failure.
# Arguments: the command.
count_tests() {
  local log status=0 before=$failed
  log=$(mktemp)
  "$@" --keep_going --noshow_progress --color=no 2>&1 | tee "$log" || status=$?
  passed=$((passed + $(grep -cE '^//[^ ]+ +(\(cached\) )?(PASSED|FLAKY)' "$log")))
  failed=$((failed + $(grep -cE '^//[^ ]+ +(\(cached\) )?(FAILED|TIMEOUT|NO STATUS|INCOMPLETE|REMOTE FAILURE)' "$log")))
  rm "$log"
  if ((status != 0 && failed == before)); then failed=$((failed + 1)); fi
}

# Ends the job. Argument: its name.
finish() {
  if ((passed + failed == 0)); then failed=1; fi
  echo "$1: $passed passed, $failed failed"
  exit $((failed > 0))
}
