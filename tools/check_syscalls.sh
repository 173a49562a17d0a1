#!/usr/bin/env bash
# Proves that nothing goes round base/syscalls.h on its way to the kernel:
#
#   1. No library source calls a system call by its libc name.
#   2. Of the objects that `bazel build` makes of the libraries, only that of
#      base/syscalls.cc refers to such a name.
#   3. In a production build (-c opt) the door itself has vanished: no object
#      refers to a function of evkit::sys.
#
# With --text, only the first: it needs no build.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

# The names behind the door, and those of the same kind that may never be used
# but through it.
table=$(sed -nE 's/^EVKIT_(SIZED_)?SYSCALL\([^,]+, *([a-z0-9_]+),.*/\2/p' base/internal/syscall_table.inc)
readonly others='accept alarm clock_nanosleep clone3 creat dup epoll_create
epoll_pwait epoll_pwait2 execl execle execlp execv execvp execvpe fdopen fexecve
fopen fork fread fstat ftruncate fwrite getpeername getrandom getrlimit
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

failed=0

while IFS= read -r file; do
  while IFS= read -r hit; do
    echo "$file:$hit: system calls are made as sys::name(...), see base/syscalls.h"
    failed=1
  done < <(without_comments "$file" |
    grep -nP "(?<![\w.>:])(::)?($names)\s*\(|(?<!\w)::($names)\b|(?<!\w)std::(signal|system|time)\s*\(" || true)
done < <(project_files '*.cc' '*.h' | library_files | grep -v '^base/syscalls\.')

[[ ${1-} != --text ]] || exit "$failed"

bazel=$(command -v bazel || command -v bazelisk) || {
  echo "check_syscalls: the second and third check need bazel on the PATH"
  exit 1
}
mapfile -t libraries < <("$bazel" query --noshow_progress \
  'kind(cc_library, //...) except attr(testonly, 1, //...)
   except (//bench/... union //examples/... union //third_party/...)' 2>/dev/null)
((${#libraries[@]} > 0)) || {
  echo "check_syscalls: bazel query finds no library"
  exit 1
}

# Builds the libraries with the given options; prints their object files as
# "label object".
objects() {
  "$bazel" build --noshow_progress "$@" "${libraries[@]}" >/tmp/evkit_check_syscalls.$$ 2>&1 || {
    cat /tmp/evkit_check_syscalls.$$ >&2
    rm /tmp/evkit_check_syscalls.$$
    return 1
  }
  rm /tmp/evkit_check_syscalls.$$
  local bin label folder object
  bin=$("$bazel" info "$@" bazel-bin 2>/dev/null)
  for label in "${libraries[@]}"; do
    folder=${label#//}
    for object in "$bin/${folder/://_objs/}"/*.o; do
      [[ ! -f $object ]] || echo "$label $object"
    done
  done
}

built=$(objects)
[[ $built == *//base:syscalls* ]] || {
  echo "check_syscalls: no object of //base:syscalls found"
  exit 1
}
while read -r label object; do
  [[ $label != //base:syscalls ]] || continue
  while IFS= read -r symbol; do
    echo "$label: $(basename "$object") refers to $symbol, which only //base:syscalls may"
    failed=1
  done < <(nm --undefined-only --format=just-symbols "$object" |
    sed -E 's/@.*//; s/^__(.*)_chk$/\1/; s/^(.*[a-z_])64$/\1/' | grep -xE "$names" || true)
done <<<"$built"

built=$(objects --compilation_mode=opt)
while read -r label object; do
  while IFS= read -r symbol; do
    echo "$label: $(basename "$object") of a production build still has $symbol"
    failed=1
  done < <(nm --demangle --format=just-symbols "$object" | grep -E 'evkit::sys::' || true)
done <<<"$built"

((failed)) || echo "check_syscalls: ${#libraries[@]} libraries, all through the door"
exit "$failed"
