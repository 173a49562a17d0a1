// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The tour's echo service: a TCP server and its clients, written on nothing but
// `AddReader` and `AddWriter`, to show what those two are enough for. Sockets
// are plain ones here; evkit's own come with its `net` package.

#ifndef EVKIT_EXAMPLES_TOUR_ECHO_H_
#define EVKIT_EXAMPLES_TOUR_ECHO_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/abstract_event_loop.h"

namespace evkit_tour {

// Sends back what it receives. Destroying it closes all connections.
class EchoServer {
 public:
  // Listens on 127.0.0.1, at a port that the system picks.
  static absl::StatusOr<std::unique_ptr<EchoServer>> Listen(
      evkit::AbstractEventLoop& loop);
  ~EchoServer();

  uint16_t port() const { return port_; }
  size_t connections_seen() const { return connections_seen_; }

 private:
  struct Connection {
    evkit::UniqueFd socket;
    std::string pending;          // Received and not yet sent back.
    bool client_is_done = false;  // No more will be received.
  };

  EchoServer(evkit::AbstractEventLoop& loop, evkit::UniqueFd listener,
             uint16_t port)
      : loop_(loop), listener_(std::move(listener)), port_(port) {}

  void OnAcceptable();
  void OnReadable(int fd);
  void OnWritable(int fd);
  void CloseConnection(int fd);

  evkit::AbstractEventLoop& loop_;
  evkit::UniqueFd listener_;
  uint16_t port_;
  size_t connections_seen_ = 0;
  std::map<int, Connection> connections_;
};

// Sends `message`, reads until the server closes, and says whether what came
// back is the same.
class EchoClient {
 public:
  using Done = std::function<void(bool same)>;

  static absl::StatusOr<std::unique_ptr<EchoClient>> Connect(
      evkit::AbstractEventLoop& loop, uint16_t port, std::string message,
      Done done);
  ~EchoClient();

 private:
  EchoClient(evkit::AbstractEventLoop& loop, evkit::UniqueFd socket,
             std::string message, Done done)
      : loop_(loop),
        socket_(std::move(socket)),
        message_(std::move(message)),
        done_(std::move(done)) {}

  void OnReadable();
  void OnWritable();

  evkit::AbstractEventLoop& loop_;
  evkit::UniqueFd socket_;
  const std::string message_;
  size_t sent_ = 0;
  std::string received_;
  Done done_;
};

}  // namespace evkit_tour

#endif  // EVKIT_EXAMPLES_TOUR_ECHO_H_
