// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// For tests of what sends and receives datagrams.

#ifndef EVKIT_NET_DATAGRAMS_DATAGRAM_TESTING_H_
#define EVKIT_NET_DATAGRAMS_DATAGRAM_TESTING_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"

namespace evkit {

// Writes down what it is told: "made", "got hello", "error <errno>",
// "pause", "resume", "lost OK".
class RecordingDatagramProtocol : public DatagramProtocol {
 public:
  void ConnectionMade(std::shared_ptr<DatagramTransport> transport) override;
  void DatagramReceived(absl::string_view data,
                        const SocketAddress& from) override;
  void ErrorReceived(const absl::Status& status) override;
  void PauseWriting() override { Add("pause"); }
  void ResumeWriting() override { Add("resume"); }
  void ConnectionLost(const absl::Status& status) override;

  std::vector<std::string> events;
  std::vector<SocketAddress> senders;
  std::vector<absl::Status> errors;
  // Called after each event, with its first word.
  std::function<void(absl::string_view)> on_event;
  std::shared_ptr<DatagramTransport> transport;  // From "made" to "lost".

 private:
  void Add(std::string event);
};

// Datagram sockets that nobody else knows of: bound to a port of the loopback
// interface, or to an abstract name.
Socket BoundDatagramSocket(int family);
// What there is to receive, in order.
std::vector<std::string> DrainDatagrams(Socket& socket);

}  // namespace evkit

#endif  // EVKIT_NET_DATAGRAMS_DATAGRAM_TESTING_H_
