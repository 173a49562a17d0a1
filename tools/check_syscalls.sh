#!/usr/bin/env bash
# Proves that nothing goes round base/syscalls.h on its way to the kernel:
#
#   1. No library source calls a system call by its libc name.
#   2. Of the archives that `bazel build` makes of the libraries, only that of
#      //base:syscalls refers to such a name.
#   3. In a production build (-c opt) the door itself has vanished: no archive
#      has or wants a function of evkit::sys.
#
# With --text, only the first: it needs no build.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

# The names behind the door, and those of the same kind that may never be used
# but through it.
table=$(sed -nE 's/^EVKIT_((SIZED|MESSAGE)_)?SYSCALL\([^,]+, *([a-z0-9_]+),.*/\3/p' base/internal/syscall_table.inc)
readonly others='accept alarm clock_nanosleep clone3 creat dup epoll_create
epoll_pwait epoll_pwait2 execl execle execlp execv execvp execvpe fdopen fexecve
fopen fork fstat ftruncate getpeername getrandom getrlimit
gettimeofday ioctl lseek lstat mkstemp mmap mprotect munmap nanosleep openat
opendir pause pidfd_getfd pipe poll popen posix_spawn posix_spawnp ppoll prctl
pread preadv prlimit pselect pthread_kill pthread_sigmask ptrace pwrite pwritev
readlink readv recvfrom recvmmsg recvmsg select sendfile sendmmsg sendmsg sendto
setgid setgroups setitimer setrlimit setsid setuid shutdown sigaltstack signal
signalfd sigpending sigqueue sigsuspend sigtimedwait sigwait sigwaitinfo sleep
splice stat syscall system tgkill time timerfd_create timerfd_gettime
timerfd_settime umask unlink unlinkat unshare usleep vfork wait wait3 wait4
waitpid writev'
# shellcheck disable=SC2086  # split into words
names=$(printf '%s\n' $table $others | LC_ALL=C sort -u | paste -sd'|')

# A call, not the declaration of a variable of that name.
readonly declaration='\b(?!(return|co_return|else|do|and|or|not)\b)\w+[>&*]*\s+'
readonly call="$declaration($names)\s*\((*SKIP)(*FAIL)|(?<![\w.>:])(::)?($names)\s*\(|(?<!\w)::($names)\b|(?<!\w)std::(signal|system|time)\s*\("

failed=0

while IFS= read -r file; do
  while IFS= read -r hit; do
    echo "$file:$hit: system calls are made as sys::name(...), see base/syscalls.h"
    failed=1
  done < <(without_comments "$file" | grep -nP "$call" || true)
done < <(project_files '*.cc' '*.h' | library_files | grep -v '^base/syscalls\.')

[[ ${1-} != --text ]] || exit "$failed"

bazel=$(command -v bazel || command -v bazelisk) || {
  echo "check_syscalls: the second and third check need bazel on the PATH"
  exit 1
}
# Runs a command whose standard error is of interest only if it fails.
quietly() {
  local said status=0
  said=$(mktemp)
  "$@" 2>"$said" || status=$?
  ((status == 0)) || cat "$said" >&2
  rm "$said"
  return "$status"
}

found=$(quietly "$bazel" query 'kind(cc_library, //...) except attr(testonly, 1, //...)')
mapfile -t libraries < <(grep -Ev '^//(bench|examples|third_party)[/:]' <<<"$found")

# Builds the libraries with the given options; prints their archives as
# "label archive".
archives() {
  local root
  quietly "$bazel" build "$@" "${libraries[@]}"
  root=$(quietly "$bazel" info "$@" execution_root)
  quietly "$bazel" cquery "$@" "set(${libraries[*]})" --output=starlark --starlark:expr='"\n".join(
    [str(target.label) + " '"$root"'/" + f.path for f in target.files.to_list()])' |
    sed -nE 's|^@+//|//|; /\.a$/p'
}

built=$(archives)
grep -q '^//base:syscalls ' <<<"$built" || {
  echo "check_syscalls: no archive of //base:syscalls found"
  exit 1
}
while read -r label archive; do
  [[ $label != //base:syscalls ]] || continue
  while IFS= read -r symbol; do
    echo "$label refers to $symbol, which only //base:syscalls may"
    failed=1
  done < <(nm --undefined-only --format=just-symbols "$archive" |
    sed -E 's/@.*//; s/^__(.*)_chk$/\1/; s/^(.*[a-z_])64$/\1/' | grep -xE "$names" | sort -u)
done <<<"$built"

built=$(archives --compilation_mode=opt)
while read -r label archive; do
  while IFS= read -r symbol; do
    echo "$label still has $symbol in a production build"
    failed=1
  done < <(nm --demangle --format=just-symbols "$archive" | grep -F 'evkit::sys::' | sort -u)
done <<<"$built"

((failed)) || echo "check_syscalls: ${#libraries[@]} libraries, all through the door"
exit "$failed"
