// evkit's child watcher alone, in a program that forks and polls by itself.

#include <poll.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <map>
#include <memory>

#include "evkit/subprocess/default_child_watcher.h"
#include "expect.h"

namespace {

pid_t ForkOneThatExitsWith(int code) {
  const pid_t pid = fork();
  if (pid == 0) _exit(code);
  return pid;
}

pid_t ForkOneThatWaits() {
  const pid_t pid = fork();
  if (pid == 0) {
    for (;;) pause();
  }
  return pid;
}

}  // namespace

int main() {
  auto watcher = evkit::NewDefaultChildWatcher();
  EXPECT(watcher.ok());
  const pid_t three = ForkOneThatExitsWith(3);
  const pid_t zero = ForkOneThatExitsWith(0);
  const pid_t killed = ForkOneThatWaits();

  std::map<pid_t, int> ends;
  for (const pid_t pid : {three, zero, killed}) {
    EXPECT(pid > 0);
    EXPECT((*watcher)
               ->Watch(pid,
                       [&ends](pid_t ended, evkit::ExitStatus status) {
                         ends[ended] = status.returncode();
                       })
               .ok());
  }
  EXPECT(kill(killed, SIGKILL) == 0);

  while (ends.size() < 3) {
    pollfd readable = {(*watcher)->fd(), POLLIN, 0};
    EXPECT(poll(&readable, 1, -1) == 1);
    (*watcher)->Dispatch();
  }
  EXPECT(ends[three] == 3);
  EXPECT(ends[zero] == 0);
  EXPECT(ends[killed] == -SIGKILL);
  EXPECT((*watcher)->size() == 0);
}
