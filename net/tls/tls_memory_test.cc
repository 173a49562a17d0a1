// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Whether connections leave anything behind. Takes a while, so it is run by
// hand, with as many connections as one likes:
//
//   bazel test -c opt --test_output=all --test_env=CONNECTIONS=100000
//       //net/tls:tls_memory_test

#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/event_loop.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/stream_transport.h"
#include "evkit/net/tls/internal/test_certificates.h"
#include "evkit/net/tls/openssl_context.h"
#include "evkit/net/tls/tls_engine.h"
#include "evkit/net/tls/tls_layer.h"
#include "evkit/net/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

size_t ResidentKib() {
  // Exact, where statm is off by what threads have not added up yet.
  std::ifstream file("/proc/self/smaps_rollup");
  std::string word;
  while (file >> word) {
    size_t kib = 0;
    if (word == "Rss:" && file >> kib) return kib;
  }
  return 0;
}

// The client says a word, the server closes.
class Greeter : public Protocol {
 public:
  Greeter(EventLoop& loop, bool is_client, int& ended)
      : loop_(loop), is_client_(is_client), ended_(ended) {}

  void ConnectionMade(std::shared_ptr<Transport> transport) override {
    transport_ = std::move(transport);
    if (is_client_) {
      EXPECT_TRUE(transport_->Write("hello").ok());
    }
  }
  void DataReceived(absl::string_view) override { transport_->Close(); }
  void ConnectionLost(const absl::Status& status) override {
    EXPECT_TRUE(status.ok()) << status;
    transport_ = nullptr;
    if (++ended_ % 2 == 0) loop_.Stop();
  }

 private:
  EventLoop& loop_;
  const bool is_client_;
  int& ended_;
  std::shared_ptr<Transport> transport_;
};

TEST(TlsMemoryTest, bug_I13_ConnectionsLeaveTheMemoryAsItWas) {
  const char* const text = std::getenv("CONNECTIONS");
  int connections = 10000;
  if (text != nullptr) {
    ASSERT_TRUE(absl::SimpleAtoi(text, &connections)) << text;
  }
  const net_internal::TestAuthority root;
  const net_internal::TestIdentity identity =
      root.IssueServer("DNS:server.example");
  OpensslOptions client_options;
  client_options.trust_system_store = false;
  client_options.trusted_pem = root.certificate_pem();
  OpensslOptions server_options;
  server_options.trust_system_store = false;
  server_options.certificate_chain_pem = identity.certificate_pem;
  server_options.private_key_pem = identity.key_pem;
  const auto client_context = *NewOpensslContext(std::move(client_options));
  const auto server_context = *NewOpensslContext(std::move(server_options));
  const auto loop = *NewDefaultEventLoop();

  int ended = 0;
  size_t settled = 0;
  const int warm_up = connections / 10;
  for (int i = 0; i < warm_up + connections; ++i) {
    if (i == warm_up) settled = ResidentKib();
    auto [near, far] = *Socket::Pair();
    NewStreamTransport(
        *loop, std::move(near),
        *NewTlsLayer(*loop, *client_context->NewClientEngine("server.example"),
                     std::make_shared<Greeter>(*loop, true, ended),
                     TlsLayerOptions(), nullptr));
    NewStreamTransport(
        *loop, std::move(far),
        *NewTlsLayer(*loop, *server_context->NewServerEngine(),
                     std::make_shared<Greeter>(*loop, false, ended),
                     TlsLayerOptions(), nullptr));
    ASSERT_TRUE(loop->RunForever().ok());
  }
  const size_t after = ResidentKib();
  std::cout << connections << " connections: " << settled << " KiB before, "
            << after << " KiB after" << std::endl;
  EXPECT_EQ(ended, 2 * (warm_up + connections));
  EXPECT_LT(after, settled + 1024);
}

}  // namespace
}  // namespace evkit
