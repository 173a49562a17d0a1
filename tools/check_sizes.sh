#!/usr/bin/env bash
# Fails if a source other than a test has outgrown a reader: more than 500 lines.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
readonly limit=500

failed=0
while IFS= read -r file; do
  lines=$(wc -l <"$file")
  if ((lines > limit)); then
    echo "$file: $lines lines, the limit is $limit: look for the component that wants out"
    failed=1
  fi
done < <(project_files '*.cc' '*.h' '*.inc' '*.bzl' '*.bazel' '*.sh' '*.py' 'tools/*' |
  grep -Ev '(_test|_conformance[a-z_]*)\.(cc|h)$')
exit "$failed"
