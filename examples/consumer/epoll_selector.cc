// evkit's epoll selector alone, on sockets of the consumer's own: a byte is
// sent, seen, read, and seen no more.

#include "evkit/selectors/epoll_selector.h"

#include <unistd.h>

#include <vector>

#include "absl/time/time.h"
#include "expect.h"
#include "net/socket.h"

int main() {
  const SocketPair sockets;
  auto selector = evkit::EpollSelector::Create();
  EXPECT(selector.ok());
  EXPECT(
      (*selector)->Register(sockets.near(), evkit::Interest::kRead, 42).ok());

  std::vector<evkit::ReadyEvent> events;
  EXPECT((*selector)->Select(absl::ZeroDuration(), events).ok());
  EXPECT(events.empty());

  EXPECT(write(sockets.far(), "x", 1) == 1);
  EXPECT((*selector)->Select(absl::InfiniteDuration(), events).ok());
  EXPECT(events.size() == 1);
  EXPECT(events[0].token == 42);
  EXPECT(events[0].ready == evkit::Interest::kRead);

  char byte;
  EXPECT(read(sockets.near(), &byte, 1) == 1 && byte == 'x');
  EXPECT((*selector)->Select(absl::ZeroDuration(), events).ok());
  EXPECT(events.empty());
  EXPECT((*selector)->Unregister(sockets.near()).ok());
}
