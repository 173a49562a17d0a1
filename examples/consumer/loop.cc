// evkit's loop alone: descriptors, a timer, another thread, each doing its part
// once; then it stops by itself.

#include <unistd.h>

#include <memory>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "evkit/loop/default_event_loop.h"
#include "expect.h"
#include "net/socket.h"
#include "timers/clock.h"

int main() {
  const SocketPair sockets;
  auto loop = evkit::NewDefaultEventLoop();
  EXPECT(loop.ok());

  std::string done;
  Clock simulated;  // The consumer's own.
  const evkit::MonotonicTime began = (*loop)->Time();
  (*loop)->CallSoon([&done] { done += "soon "; });
  std::thread other;
  const absl::Status added = (*loop)->AddReader(sockets.near(), [&] {
    char bytes[8];
    done += std::string(bytes, read(sockets.near(), bytes, sizeof(bytes)));
    (*loop)->RemoveReader(sockets.near());
    other = std::thread([&] {
      const absl::Status posted = (*loop)->CallSoonThreadsafe([&] {
        done += " posted";
        simulated.MoveBy(1);
        (*loop)->Stop();
      });
      EXPECT(posted.ok());
    });
  });
  EXPECT(added.ok());
  (*loop)->CallLater(absl::Milliseconds(1), [&] {
    EXPECT((*loop)->Time() - began >= absl::Milliseconds(1));
    EXPECT(write(sockets.far(), "read", 4) == 4);
  });

  EXPECT((*loop)->RunForever().ok());
  other.join();
  EXPECT(done == "soon read posted");
  EXPECT(simulated.milliseconds() == 1);
  EXPECT((*loop)->Close().ok());
}
