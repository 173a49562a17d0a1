// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// For tests of servers: a protocol that echoes and keeps a diary, and clients.

#ifndef EVKIT_NET_CONNECTIONS_SERVER_TESTING_H_
#define EVKIT_NET_CONNECTIONS_SERVER_TESTING_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"
#include "gtest/gtest.h"

namespace evkit {

// What the protocols of a server were told, all in one.
class Diary {
 public:
  // The protocol's own part of it goes on if the test drops this.
  ProtocolFactory NewFactory();

  std::vector<std::string> entries;
  // Of the connections that are open, in the order in which they came.
  std::vector<std::shared_ptr<Transport>> transports;
  // Called for each new protocol, before it is written down.
  absl::AnyInvocable<void()> on_new;
  absl::AnyInvocable<void()> on_made;
  absl::AnyInvocable<void()> on_lost;
};

class DiaryProtocol final : public Protocol {
 public:
  explicit DiaryProtocol(Diary& diary) : diary_(diary) {}

  void ConnectionMade(std::shared_ptr<Transport> transport) override {
    diary_.entries.push_back("made");
    transport_ = transport.get();
    diary_.transports.push_back(std::move(transport));
    if (diary_.on_made) diary_.on_made();
  }
  void DataReceived(absl::string_view data) override {
    diary_.entries.push_back(absl::StrCat("data ", data));
    EXPECT_TRUE(transport_->Write(data).ok());
  }
  void ConnectionLost(const absl::Status& status) override {
    diary_.entries.push_back(
        status.ok() ? "lost" : absl::StrCat("lost: ", status.ToString()));
    std::erase_if(diary_.transports, [this](const auto& transport) {
      return transport.get() == transport_;
    });
    if (diary_.on_lost) diary_.on_lost();
  }

 private:
  Diary& diary_;
  Transport* transport_ = nullptr;
};

inline ProtocolFactory Diary::NewFactory() {
  return [this] {
    if (on_new) on_new();
    entries.push_back("new");
    return std::make_shared<DiaryProtocol>(*this);
  };
}

// A socket that is connected, or about to be.
inline Socket NewClient(const SocketAddress& address) {
  Socket client = *Socket::Create(address.family(), SOCK_STREAM);
  EXPECT_TRUE(client.Connect(address).ok());
  return client;
}

// Whether a client is refused.
inline bool IsRefused(const SocketAddress& address) {
  Socket client = *Socket::Create(address.family(), SOCK_STREAM);
  const auto connected = client.Connect(address);
  return !connected.ok() || !client.TakeError("connect").ok();
}

// What came: nothing if nothing did, "" if the connection ended, or broke.
inline std::optional<std::string> Received(Socket& client) {
  char buffer[4096];
  const IoResult result = client.Recv(buffer);
  if (result.would_block()) return std::nullopt;
  return std::string(buffer, result.ok() ? result.bytes() : 0);
}

}  // namespace evkit

#endif  // EVKIT_NET_CONNECTIONS_SERVER_TESTING_H_
