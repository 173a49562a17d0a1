// evkit's signal receiver alone, in a program that polls by itself.

#include "evkit/loop/signals/signal_receiver.h"

#include <poll.h>
#include <signal.h>

#include <vector>

#include "expect.h"

int main() {
  auto receiver = evkit::SignalReceiver::Create();
  EXPECT(receiver.ok());
  std::vector<int> received;
  for (const int signal : {SIGTERM, SIGHUP}) {
    EXPECT((*receiver)
               ->Watch(signal,
                       [&received](int which) { received.push_back(which); })
               .ok());
  }
  EXPECT(!(*receiver)->Watch(SIGKILL, [](int) {}).ok());

  EXPECT(raise(SIGTERM) == 0);
  EXPECT(raise(SIGHUP) == 0);
  EXPECT(raise(SIGTERM) == 0);
  while (received.size() < 3) {
    pollfd readable = {(*receiver)->fd(), POLLIN, 0};
    EXPECT(poll(&readable, 1, -1) == 1);
    (*receiver)->Dispatch();
  }
  EXPECT(received == std::vector<int>({SIGTERM, SIGHUP, SIGTERM}));

  *receiver = nullptr;
  struct sigaction action;
  EXPECT(sigaction(SIGTERM, nullptr, &action) == 0);
  EXPECT(action.sa_handler == SIG_DFL);
}
