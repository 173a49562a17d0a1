#!/usr/bin/env bash
# Runs the supervisor with real commands. Argument: the program.
set -euo pipefail
program=$1
procfile=$TEST_TMPDIR/Procfile
# A number that no other process has on its command line.
mark=86400.$$

cat >"$procfile" <<END
polite: trap 'echo on my way; exit 0' TERM; trap 'echo got usr1' USR1; echo ready; while :; do sleep $mark & wait; done
crash: echo oops; exit 3
tree: trap '' USR1; (trap '' TERM; sleep $mark) & echo planted; wait
stubborn: trap '' TERM USR1; echo here to stay; while :; do sleep $mark; done
END

exec 3< <(exec "$program" "$procfile" --grace=0.3s)
pid=$!
seen=

# Reads on until a line like $1 has come.
expect() {
  local line
  while read -r -t 30 line <&3; do
    seen+=$line$'\n'
    # shellcheck disable=SC2053  # a pattern
    [[ $line != $1 ]] || return 0
  done
  printf 'never came: %s\nbut:\n%s' "$1" "$seen" >&2
  exit 1
}
have() { grep -q "$1" <<<"$seen" || expect "*$1*"; }

have 'ready'
have 'planted'
have 'here to stay'
# It is started again, and again.
for _ in 1 2 3; do expect 'crash * oops'; done

kill -s USR1 "$pid"
have 'got usr1'

kill -s TERM "$pid"
seen+=$(cat <&3)
wait "$pid" || { echo "exit status $?" >&2; exit 1; }
echo "$seen"
grep -q '^polite *| on my way$' <<<"$seen"
grep -q '^polite *| exit code 0$' <<<"$seen"
grep -q '^crash *| exit code 3$' <<<"$seen"
grep -q '^tree *| killed by SIGTERM$' <<<"$seen"
grep -q '^stubborn *| does not stop: killed$' <<<"$seen"
grep -q '^stubborn *| killed by SIGKILL$' <<<"$seen"
# The whole tree is gone, its grandchild that ignored SIGTERM included.
for cmdline in /proc/[0-9]*/cmdline; do
  if tr '\0' ' ' <"$cmdline" 2>/dev/null | grep -q "^sleep $mark"; then
    echo "left behind: $cmdline" >&2
    exit 1
  fi
done
