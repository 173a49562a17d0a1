#!/usr/bin/env bash
# Fails if a library source reads a clock, sleeps or draws a random number by
# itself: all time comes from the Clock it was given, all waiting is the
# selector's, all chance the loop's. Tests may not sleep either.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

readonly sleeping='sleep_(for|until)\b|\babsl::SleepFor\b|(?<![\w.>])(::)?(u|nano)?sleep\s*\('
readonly timed_waiting='\bwait_(for|until)\s*\(|\b(Wait|Await)WithTimeout\s*\(|\b(Wait|Await)WithDeadline\s*\('
readonly clocks='_clock::now\b|\babsl::(Now|GetCurrentTimeNanos)\b'
readonly chance='(?<![\w.>])(std::|::)?s?rand(om)?\s*\(|\brandom_device\b|\b(Insecure)?BitGen\b'
readonly engines='\bmt19937|\b(default_random_engine|minstd_rand0?)\b'

failed=0
# Arguments: pattern, what is said of a hit; the files are on stdin.
ban() {
  local file hit
  while IFS= read -r file; do
    while IFS= read -r hit; do
      echo "$file:$hit: $2"
      failed=1
    done < <(without_comments "$file" | grep -nP "$1" || true)
  done
}

sources=$(project_files '*.cc' '*.h')
ban "$sleeping" "nothing here sleeps, tests included: wait for what you are waiting for" \
  < <(grep -Ev '_benchmark\.cc$|^(bench|examples)/' <<<"$sources")
ban "$timed_waiting|$clocks" "time comes from the Clock, waiting from the selector" \
  < <(library_files <<<"$sources")
ban "$chance" "chance comes from the loop, which has the seed" \
  < <(library_files <<<"$sources")
ban "$engines" "chance comes from the loop, which has the seed" \
  < <(library_files <<<"$sources" | grep -v '^loop/')
exit "$failed"
