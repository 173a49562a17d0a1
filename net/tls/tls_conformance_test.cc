// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The rules of all stream transports, kept by TLS over sockets, over memory and
// over sockets whose calls misbehave. The first end is the server.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/memory_transport.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_testing.h"
#include "evkit/net/stream_transport.h"
#include "evkit/net/tls/internal/tls_testing.h"
#include "evkit/net/tls/internal/tls_transport.h"
#include "evkit/net/tls/tls_engine.h"
#include "evkit/net/tls/tls_layer.h"
#include "evkit/net/transport.h"
#include "evkit/net/transport_conformance.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using net_internal::TlsLibrary;
using net_internal::TlsTestContexts;
using net_internal::TlsTransport;

// The two layers, before they have anything below.
class Layers {
 public:
  Layers(TlsLibrary library, TestLoop& test, std::shared_ptr<Protocol> first,
         std::shared_ptr<Protocol> second) {
    const TlsTestContexts contexts(library);
    server = New(test, *contexts.server->NewServerEngine(), std::move(first));
    client = New(test, *contexts.client->NewClientEngine("server.example"),
                 std::move(second));
  }

  std::shared_ptr<TlsTransport> server;
  std::shared_ptr<TlsTransport> client;

 private:
  // Only from inside is a layer a transport before it tells of itself.
  static std::shared_ptr<TlsTransport> New(TestLoop& test,
                                           std::unique_ptr<TlsEngine> engine,
                                           std::shared_ptr<Protocol> protocol) {
    return std::static_pointer_cast<TlsTransport>(
        *NewTlsLayer(test.loop(), std::move(engine), std::move(protocol),
                     TlsLayerOptions(), nullptr));
  }
};

TransportPair OverSockets(TestLoop& test, const Layers& layers,
                          std::pair<Socket, Socket> sockets,
                          std::shared_ptr<void> world = nullptr) {
  NewStreamTransport(test.loop(), std::move(sockets.first), layers.server);
  NewStreamTransport(test.loop(), std::move(sockets.second), layers.client);
  return TransportPair(layers.server, layers.client, std::move(world));
}

TransportPair OverTcp(TestLoop& test, const Layers& layers) {
  return OverSockets(test, layers, TcpPair());
}

TransportPair OverUnix(TestLoop& test, const Layers& layers) {
  return OverSockets(test, layers, *Socket::Pair());
}

TransportPair OverFaults(TestLoop& test, const Layers& layers) {
  return OverSockets(
      test, layers, SmallUnixPair(),
      NewHarmlessFaults({"send", "sendmsg", "recv"}, test.seed()));
}

TransportPair OverMemory(TestLoop& test, const Layers& layers) {
  MemoryTransportOptions options;
  options.capacity = 10'000;
  const auto random = std::make_shared<std::mt19937_64>(test.seed());
  options.split = [random](size_t size) { return 1 + (*random)() % size; };
  NewMemoryTransportPair(test.loop(), layers.server, layers.client,
                         std::move(options));
  return TransportPair(layers.server, layers.client);
}

TransportPairFactory Over(std::string name, TlsLibrary library, size_t bulk,
                          TransportPair (*make)(TestLoop&, const Layers&)) {
  TransportTraits traits;
  traits.half_close = false;
  traits.writes_while_closing = false;
  traits.layered = true;
  traits.limits = WriteBufferLimits(131072, 524288);
  traits.description = "<TlsTransport ";
  traits.warning = "";
  return TransportPairFactory(
      std::move(name), bulk,
      [library, make](TestLoop& test, std::shared_ptr<Protocol> first,
                      std::shared_ptr<Protocol> second) {
        return make(test,
                    Layers(library, test, std::move(first), std::move(second)));
      },
      std::move(traits));
}

INSTANTIATE_TEST_SUITE_P(
    Openssl, TransportConformance,
    ::testing::Values(Over("Tcp", TlsLibrary::kOpenssl, 4 << 20, OverTcp),
                      Over("Unix", TlsLibrary::kOpenssl, 2 << 20, OverUnix),
                      Over("Faulty", TlsLibrary::kOpenssl, 3 << 19, OverFaults),
                      Over("Memory", TlsLibrary::kOpenssl, 3 << 19,
                           OverMemory)),
    TransportPairFactoryName);

INSTANTIATE_TEST_SUITE_P(
    FakeTls, TransportConformance,
    ::testing::Values(Over("Unix", TlsLibrary::kFake, 2 << 20, OverUnix),
                      Over("Faulty", TlsLibrary::kFake, 3 << 19, OverFaults),
                      Over("Memory", TlsLibrary::kFake, 3 << 19, OverMemory)),
    TransportPairFactoryName);

// --- Errors that end it ------------------------------------------------------

class TlsOverBrokenSocketTest : public ::testing::TestWithParam<TlsLibrary> {};

INSTANTIATE_TEST_SUITE_P(Engines, TlsOverBrokenSocketTest,
                         ::testing::Values(TlsLibrary::kFake,
                                           TlsLibrary::kOpenssl),
                         net_internal::NameOfTlsLibrary);

// Whichever call of the two ends fails, the handshake's included.
// TR-10, TR-11, TLS-03, TLS-26
TEST_P(TlsOverBrokenSocketTest, AnErrorOfAnyCallIsHeardOnceOrNotAtAll) {
  const std::vector<std::pair<std::string, int>> failures = {
      {"send", EPIPE},
      {"send", EIO},
      {"recv", ECONNRESET},
      {"recv", ETIMEDOUT}};
  for (const auto& [call, error] : failures) {
    for (int nth = 1; nth <= 12; ++nth) {
      SCOPED_TRACE(call + " " + std::to_string(error) + " " +
                   std::to_string(nth));
      TestLoop test;
      FaultInjection faults;
      faults.Fail(call, error, nth);
      const auto a = std::make_shared<RecordingProtocol>();
      const auto b = std::make_shared<RecordingProtocol>();
      const TransportPair pair = OverUnix(test, Layers(GetParam(), test, a, b));
      for (const auto& end : {a, b}) {
        end->on_event = [&, end = end.get()](const std::string& event) {
          if (event == "made" || event == "data") {
            end->transport->Write("word").IgnoreError();
          }
          if (event == "data" && end->received.size() > 20) {
            end->transport->Close();
          }
        };
      }
      for (int i = 0; i < 1000 && (pair.first->GetProtocol() != nullptr ||
                                   pair.second->GetProtocol() != nullptr);
           ++i) {
        ASSERT_TRUE(test.RunUntilIdle().ok());
      }
      EXPECT_EQ(pair.first->GetProtocol(), nullptr);
      EXPECT_EQ(pair.second->GetProtocol(), nullptr);
      int told = 0;
      for (const auto& end : {a, b}) {
        end->on_event = nullptr;
        if (end->events.empty()) continue;
        EXPECT_EQ(end->events.front(), "made");
        EXPECT_EQ(end->events.back(), "lost");
        EXPECT_EQ(std::count(end->events.begin(), end->events.end(), "lost"),
                  1);
        if (ErrnoFromStatus(end->lost) == error) ++told;
      }
      // The others an end can get of itself, when its peer is gone.
      if (error == EIO || error == ETIMEDOUT) {
        EXPECT_LE(told, 1);
      }
      EXPECT_THAT(test.log(), ::testing::IsEmpty());
    }
  }
}

}  // namespace
}  // namespace evkit
