# shellcheck shell=bash
#
# What the scripts of this folder share; sourced, from any folder.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

# The files of the project whose names match the patterns, one a line: tracked
# ones and new ones that are not ignored.
project_files() {
  git ls-files --cached --others --exclude-standard -- "$@" | LC_ALL=C sort -u |
    while IFS= read -r file; do [[ ! -f $file ]] || echo "$file"; done
}

# Of the files on stdin, those that end up in the programs of users: no tests,
# fakes, benchmarks, examples, and nothing of third parties.
library_files() {
  grep -Ev -e '(_test|_benchmark|_benchmarking|_conformance[a-z_]*|_testing|_test_util)\.(cc|h)$' \
    -e '(^|/)(fake|test)_[^/]*$' -e '^base/fault_injection\.' \
    -e '(^|/)(testing|conformance)/' -e '^(bench|examples|third_party|tools)/' || true
}

# Prints the file with comments and the text of string literals blanked; lines
# keep their numbers.
without_comments() {
  sed -E -e 's/"([^"\\]|\\.)*"/""/g' -e 's|//.*||' "$1"
}

