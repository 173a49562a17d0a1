#!/usr/bin/env bash
# Fails if a header of this repository is included by another path than
# "evkit/<package>/<file>.h", if a source does not include its own header first
# (which is what proves that the header compiles alone), or if an include guard
# is missing or not named after the path.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

failed=0
complain() {
  echo "$1"
  failed=1
}

while IFS= read -r file; do
  folder=$(dirname "$file")
  # What only programs use has no library, so no prefix: "examples/tour.h".
  program=$(grep -oE '^(examples|bench)' <<<"$file" || echo none)

  while IFS=: read -r line include; do
    path=$(sed -E 's/^ *# *include *[<"]([^>"]*).*/\1/' <<<"$include")
    if [[ $include == *\<evkit/* ]]; then
      complain "$file:$line: write \"$path\", not <$path>"
    elif [[ $path == "$program"/* && -f $path ]]; then
      continue
    elif [[ $path != evkit/* && ($include == *\"* || $path == */*) ]]; then
      for known in "$path" "$folder/$path"; do
        if [[ -f $known && $known == *.* ]]; then
          complain "$file:$line: write \"evkit/$(realpath -m --relative-to=. "$known")\", not $path"
          break
        fi
      done
    fi
  done < <(grep -nE '^ *# *include *[<"]' "$file")

  case $file in
    *.h)
      guard=EVKIT_$(tr 'a-z/.-' 'A-Z___' <<<"$file")_
      [[ $(grep -cE "^#(ifndef|define) $guard\$" "$file") == 2 ]] ||
        complain "$file: needs the include guard $guard"
      ! grep -q '^#pragma once' "$file" ||
        complain "$file: #pragma once fails where one header has two paths; use the guard"
      ;;
    *.cc)
      own=${file%.cc}.h
      first=$(grep -m 1 -E '^ *# *include' "$file" || true)
      [[ ! -f $own || $first == *"/${own#*/}\"" ]] ||
        complain "$file: must include \"evkit/$own\" first"
      ;;
  esac
done < <(project_files '*.cc' '*.h' '*.inc' | grep -v '^examples/consumer/')
exit "$failed"
