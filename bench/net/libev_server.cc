// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// libev, which has watchers and no transports: reads and writes are by hand.

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "ev.h"
#include "evkit/bench/net/serve.h"

namespace evkit {
namespace {

char shared_buffer[kReadSize];

class Connection {
 public:
  Connection(struct ev_loop* loop, int fd) {
    watcher_.data = this;
    ev_io_init(&watcher_, OnEvent, fd, EV_READ);
    ev_io_start(loop, &watcher_);
  }
  virtual ~Connection() = default;

 protected:
  int fd() const { return watcher_.fd; }
  // False: the connection is over.
  virtual bool OnReadable() = 0;
  virtual bool OnWritable() = 0;
  // Whether it waits for room instead of bytes.
  virtual bool WaitsForRoom() const = 0;

 private:
  static void OnEvent(struct ev_loop* loop, ev_io* watcher, int events) {
    Connection* self = static_cast<Connection*>(watcher->data);
    const bool goes_on =
        (events & EV_WRITE) != 0 ? self->OnWritable() : self->OnReadable();
    if (!goes_on) {
      ev_io_stop(loop, watcher);
      close(watcher->fd);
      delete self;
      return;
    }
    const int wanted = self->WaitsForRoom() ? EV_WRITE : EV_READ;
    if ((watcher->events & (EV_READ | EV_WRITE)) != wanted) {
      ev_io_stop(loop, watcher);
      ev_io_set(watcher, watcher->fd, wanted);
      ev_io_start(loop, watcher);
    }
  }

  ev_io watcher_;
};

class EchoConnection final : public Connection {
 public:
  using Connection::Connection;
  ~EchoConnection() override { delete rest_; }

 private:
  bool OnReadable() override {
    const ssize_t size = read(fd(), shared_buffer, sizeof shared_buffer);
    if (size <= 0) {
      return size < 0 && errno == EAGAIN;
    }
    const ssize_t written =
        write(fd(), shared_buffer, static_cast<size_t>(size));
    if (written == size) {
      return true;
    }
    const ssize_t done = written < 0 ? 0 : written;
    rest_ =
        new std::string(shared_buffer + done, static_cast<size_t>(size - done));
    return written >= 0 || errno == EAGAIN;
  }

  bool OnWritable() override {
    const ssize_t written = write(fd(), rest_->data(), rest_->size());
    if (written < 0) {
      return errno == EAGAIN;
    }
    rest_->erase(0, static_cast<size_t>(written));
    if (rest_->empty()) {
      delete rest_;
      rest_ = nullptr;
    }
    return true;
  }

  bool WaitsForRoom() const override { return rest_ != nullptr; }

  std::string* rest_ = nullptr;
};

class FileConnection final : public Connection {
 public:
  FileConnection(struct ev_loop* loop, int fd, int file, int64_t file_size)
      : Connection(loop, fd), file_(file), file_size_(file_size) {}

 private:
  bool OnReadable() override {
    const ssize_t size = read(fd(), shared_buffer, sizeof shared_buffer);
    if (size <= 0) {
      return size < 0 && errno == EAGAIN;
    }
    to_send_ += size * file_size_;
    return OnWritable();
  }

  bool OnWritable() override {
    while (to_send_ > 0) {
      off_t offset = (file_size_ - to_send_ % file_size_) % file_size_;
      const ssize_t sent = sendfile(fd(), file_, &offset,
                                    static_cast<size_t>(file_size_ - offset));
      if (sent < 0) {
        return errno == EAGAIN;
      }
      to_send_ -= sent;
    }
    return true;
  }

  bool WaitsForRoom() const override { return to_send_ > 0; }

  const int file_;
  const int64_t file_size_;
  int64_t to_send_ = 0;
};

class Server {
 public:
  explicit Server(const ServeOptions& options) : file_size(options.file_size) {}
  const int64_t file_size;
  int file = -1;
};

void OnConnection(struct ev_loop* loop, ev_io* watcher, int) {
  const Server& server = *static_cast<Server*>(watcher->data);
  const int peer =
      accept4(watcher->fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (peer < 0) {
    return;
  }
  if (server.file < 0) {
    new EchoConnection(loop, peer);
  } else {
    new FileConnection(loop, peer, server.file, server.file_size);
  }
}

void OnDatagram(struct ev_loop*, ev_io* watcher, int) {
  sockaddr_storage from;
  socklen_t from_size = sizeof from;
  const ssize_t size =
      recvfrom(watcher->fd, shared_buffer, sizeof shared_buffer, 0,
               reinterpret_cast<sockaddr*>(&from), &from_size);
  if (size >= 0) {
    sendto(watcher->fd, shared_buffer, static_cast<size_t>(size), 0,
           reinterpret_cast<sockaddr*>(&from), from_size);
  }
}

}  // namespace
}  // namespace evkit

int main(int argc, char** argv) {
  using namespace evkit;
  const ServeOptions options(argc, argv,
                             std::to_string(ev_version_major()) + "." +
                                 std::to_string(ev_version_minor()));
  Server server(options);
  struct ev_loop* loop = ev_default_loop(EVBACKEND_EPOLL);
  ev_io watcher;
  if (options.name == "udp") {
    ev_io_init(&watcher, OnDatagram, BindDatagramAndAnnounce(options), EV_READ);
  } else {
    if (options.name == "sendfile") {
      server.file = NewPatternFile(options.file_size);
    }
    ev_io_init(&watcher, OnConnection, ListenAndAnnounce(options), EV_READ);
  }
  watcher.data = &server;
  ev_io_start(loop, &watcher);
  ev_run(loop, 0);
}
