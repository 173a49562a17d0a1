// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The limit: epoll by hand, and nothing that the cases do not ask for.

#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "evkit/bench/net/command_line.h"
#include "evkit/bench/net/serve.h"

namespace evkit {
namespace {

constexpr int kEvents = 1024;

int NewEpoll() {
  return static_cast<int>(
      DieIfNegative(epoll_create1(EPOLL_CLOEXEC), "epoll_create1"));
}

void Watch(int epoll, int operation, int fd, uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.fd = fd;
  DieIfNegative(epoll_ctl(epoll, operation, fd, &event), "epoll_ctl");
}

// `Connection` has: an fd of -1, OnReadable(epoll), OnWritable(epoll).
template <typename Connection, typename... Args>
[[noreturn]] void ServeStreams(int listener, const Args&... args) {
  const int epoll = NewEpoll();
  Watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN);
  std::vector<Connection> connections;  // By descriptor.
  epoll_event events[kEvents];
  while (true) {
    const int ready = epoll_wait(epoll, events, kEvents, -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[i].data.fd;
      if (fd != listener) {
        if ((events[i].events & EPOLLOUT) != 0) {
          connections[fd].OnWritable(epoll);
        } else {
          connections[fd].OnReadable(epoll);
        }
        continue;
      }
      for (int accepted = 0; accepted < 64; ++accepted) {
        const int peer =
            accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (peer < 0) {
          break;
        }
        if (connections.size() <= static_cast<size_t>(peer)) {
          connections.resize(static_cast<size_t>(peer) + 1);
        }
        connections[peer] = Connection(peer, args...);
        Watch(epoll, EPOLL_CTL_ADD, peer, EPOLLIN);
      }
    }
  }
}

class EchoConnection {
 public:
  EchoConnection() = default;
  explicit EchoConnection(int fd) : fd_(fd) {}

  void OnReadable(int epoll) {
    static char buffer[kReadSize];
    const ssize_t size = read(fd_, buffer, sizeof buffer);
    if (size <= 0) {
      if (size == 0 || errno != EAGAIN) {
        Close();
      }
      return;
    }
    const ssize_t written = write(fd_, buffer, static_cast<size_t>(size));
    if (written == size) {
      return;
    }
    if (written < 0 && errno != EAGAIN) {
      Close();
      return;
    }
    // Reads on once the rest is gone.
    const ssize_t done = written < 0 ? 0 : written;
    rest_ = new std::string(buffer + done, static_cast<size_t>(size - done));
    Watch(epoll, EPOLL_CTL_MOD, fd_, EPOLLOUT);
  }

  void OnWritable(int epoll) {
    if (rest_ == nullptr) {
      OnReadable(epoll);
      return;
    }
    const ssize_t written = write(fd_, rest_->data(), rest_->size());
    if (written < 0 && errno != EAGAIN) {
      Close();
    } else if (written == static_cast<ssize_t>(rest_->size())) {
      delete rest_;
      rest_ = nullptr;
      Watch(epoll, EPOLL_CTL_MOD, fd_, EPOLLIN);
    } else if (written > 0) {
      rest_->erase(0, static_cast<size_t>(written));
    }
  }

 private:
  void Close() {
    close(fd_);
    delete rest_;
    rest_ = nullptr;
  }

  int fd_ = -1;
  std::string* rest_ = nullptr;
};

class FileConnection {
 public:
  FileConnection() = default;
  FileConnection(int fd, int file, int64_t file_size)
      : fd_(fd), file_(file), file_size_(file_size) {}

  void OnReadable(int epoll) {
    char requests[64];
    const ssize_t size = read(fd_, requests, sizeof requests);
    if (size <= 0) {
      if (size == 0 || errno != EAGAIN) {
        close(fd_);
      }
      return;
    }
    to_send_ += size * file_size_;
    if (!Send()) {
      waits_ = true;
      Watch(epoll, EPOLL_CTL_MOD, fd_, EPOLLOUT);
    }
  }

  void OnWritable(int epoll) {
    if (waits_ && Send()) {
      waits_ = false;
      Watch(epoll, EPOLL_CTL_MOD, fd_, EPOLLIN);
    }
  }

 private:
  // Whether all is sent, or never will be.
  bool Send() {
    while (to_send_ > 0) {
      off_t offset = (file_size_ - to_send_ % file_size_) % file_size_;
      const ssize_t sent = sendfile(fd_, file_, &offset,
                                    static_cast<size_t>(file_size_ - offset));
      if (sent < 0) {
        if (errno == EAGAIN) {
          return false;
        }
        to_send_ = 0;
      } else {
        to_send_ -= sent;
      }
    }
    return true;
  }

  int fd_ = -1;
  int file_ = -1;
  bool waits_ = false;
  int64_t file_size_ = 0;
  int64_t to_send_ = 0;
};

[[noreturn]] void ServeDatagrams(int fd) {
  const int epoll = NewEpoll();
  Watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN);
  static char buffer[kReadSize];
  while (true) {
    epoll_event event;
    epoll_wait(epoll, &event, 1, -1);
    sockaddr_storage from;
    socklen_t from_size = sizeof from;
    const ssize_t size =
        recvfrom(fd, buffer, sizeof buffer, 0,
                 reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size >= 0) {
      sendto(fd, buffer, static_cast<size_t>(size), 0,
             reinterpret_cast<sockaddr*>(&from), from_size);
    }
  }
}

}  // namespace
}  // namespace evkit

int main(int argc, char** argv) {
  const evkit::ServeOptions options(argc, argv);
  if (options.name == "udp") {
    evkit::ServeDatagrams(evkit::BindDatagramAndAnnounce(options));
  }
  if (options.name == "sendfile") {
    const int file = evkit::NewPatternFile(options.file_size);
    evkit::ServeStreams<evkit::FileConnection>(
        evkit::ListenAndAnnounce(options), file, options.file_size);
  }
  evkit::ServeStreams<evkit::EchoConnection>(evkit::ListenAndAnnounce(options));
}
