// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/descriptor_testing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "evkit/base/check.h"
#include "evkit/selectors/epoll_selector.h"
#include "evkit/selectors/poll_selector.h"
#include "evkit/selectors/select_selector.h"
#include "evkit/selectors/uring_selector.h"

namespace evkit {
namespace {

template <typename SelectorT>
std::unique_ptr<Selector> Make() {
  auto selector = SelectorT::Create();
  EVKIT_CHECK(selector.ok(), "the test's selector could not be made");
  return *std::move(selector);
}

}  // namespace

Pipe Pipe::Make() {
  int fds[2];
  EVKIT_CHECK(::pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0, "pipe2 failed");
  return Pipe(fds[0], fds[1]);
}

Pipe Pipe::MakeSocketPair() {
  int fds[2];
  EVKIT_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                           0, fds) == 0,
              "socketpair failed");
  return Pipe(fds[0], fds[1]);
}

bool WriteByte(int fd) { return ::write(fd, "x", 1) == 1; }

bool ReadByte(int fd) {
  char byte;
  return ::read(fd, &byte, 1) == 1;
}

void FillUp(int fd) {
  const std::string data(65536, 'x');
  for (size_t size = data.size(); size > 0; size /= 2) {
    while (::write(fd, data.data(), size) > 0) {
    }
  }
}

std::set<int> OpenDescriptors() {
  std::set<int> open;
  DIR* const directory = ::opendir("/proc/self/fd");
  EVKIT_CHECK(directory != nullptr, "/proc/self/fd cannot be read");
  while (const dirent* const entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.') open.insert(std::atoi(entry->d_name));
  }
  open.erase(::dirfd(directory));
  ::closedir(directory);
  return open;
}

UniqueFd ReuseNumber(int fd, const Pipe& pipe) {
  if (pipe.read_fd() == fd) return UniqueFd();
  UniqueFd copy(::fcntl(pipe.read_fd(), F_DUPFD_CLOEXEC, fd));
  EVKIT_CHECK(copy.get() == fd, "the number is in use");
  return copy;
}

absl::Status CountingSelector::Select(absl::Duration timeout,
                                      std::vector<ReadyEvent>& events) {
  absl::Status status = selector_->Select(timeout, events);
  ++select_count_;
  event_count_ += events.size();
  return status;
}

std::vector<SelectorKind> AllSelectorKinds() {
  std::vector<SelectorKind> kinds = {{"epoll", &Make<EpollSelector>},
                                     {"poll", &Make<PollSelector>},
                                     {"select", &Make<SelectSelector>}};
  // Not every kernel gives it: uring_selector_test says if it does not.
  if (UringSelector::Create().ok()) {
    kinds.push_back({"uring", &Make<UringSelector>});
  }
  return kinds;
}

CountedLoop::CountedLoop(const SelectorKind& kind, EventLoopOptions options) {
  auto selector = std::make_unique<CountingSelector>(kind.make());
  selector_ = selector.get();
  options.selector = std::move(selector);
  absl::StatusOr<std::unique_ptr<EventLoop>> loop =
      EventLoop::Create(std::move(options));
  EVKIT_CHECK(loop.ok(), "the test's event loop could not be made");
  loop_ = *std::move(loop);
}

void CountedLoop::RunTurns(int turns) {
  for (; turns > 0; --turns) {
    loop_->Stop();
    EVKIT_CHECK(loop_->RunForever().ok(), "the test's event loop failed");
  }
}

}  // namespace evkit
