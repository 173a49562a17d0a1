// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/datagrams/datagram_testing.h"

#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/errno_status.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"
#include "gtest/gtest.h"

namespace evkit {

void RecordingDatagramProtocol::ConnectionMade(
    std::shared_ptr<DatagramTransport> its_transport) {
  transport = std::move(its_transport);
  Add("made");
}

void RecordingDatagramProtocol::DatagramReceived(absl::string_view data,
                                                 const SocketAddress& from) {
  senders.push_back(from);
  Add(absl::StrCat("got ", data));
}

void RecordingDatagramProtocol::ErrorReceived(const absl::Status& status) {
  errors.push_back(status);
  Add(absl::StrCat("error ", ErrnoFromStatus(status)));
}

void RecordingDatagramProtocol::ConnectionLost(const absl::Status& status) {
  transport = nullptr;
  Add(absl::StrCat("lost ", status.ToString()));
}

void RecordingDatagramProtocol::Add(std::string event) {
  events.push_back(std::move(event));
  if (!on_event) return;
  const absl::string_view latest = events.back();
  const std::string word(latest.substr(0, latest.find(' ')));
  on_event(word);
}

Socket BoundDatagramSocket(int family) {
  static int counter = 0;
  SocketAddress address = SocketAddress::LoopbackIPv4(0);
  if (family == AF_INET6) address = SocketAddress::LoopbackIPv6(0);
  if (family == AF_UNIX) {
    address = *SocketAddress::Unix(absl::StrCat(absl::string_view("\0", 1),
                                                "evkit-datagrams-", getpid(),
                                                "-", ++counter));
  }
  Socket socket = *Socket::Create(family, SOCK_DGRAM);
  const absl::Status bound = socket.Bind(address);
  EXPECT_TRUE(bound.ok()) << bound;
  return socket;
}

std::vector<std::string> DrainDatagrams(Socket& socket) {
  std::vector<std::string> received;
  std::string memory(100'000, '\0');
  for (;;) {
    const IoResult result = socket.Recv(absl::MakeSpan(memory));
    if (!result.ok()) return received;
    received.push_back(memory.substr(0, result.bytes()));
  }
}

}  // namespace evkit
