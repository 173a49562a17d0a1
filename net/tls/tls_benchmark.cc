// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What does TLS cost over evkit's transports, beside asio's over the same
// OpenSSL, with the same certificate, both ends in one thread?
//
//   bazel run -c opt //net/tls:tls_benchmark --
//       --benchmark_enable_random_interleaving=true
//       --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
//
// Compare only what one run has measured. Handshakes are whole ones, of TLS 1.3
// and P-256, without resumption; for bulk data each side counts once, so the
// bytes per second are those of one direction.

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "asio/io_context.hpp"
#include "asio/local/connect_pair.hpp"
#include "asio/local/stream_protocol.hpp"
#include "asio/ssl.hpp"
#include "asio/write.hpp"
#include "benchmark/benchmark.h"
#include "evkit/base/check.h"
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

namespace evkit {
namespace {

constexpr size_t kMessage = 65536;
constexpr size_t kBulk = size_t{16} << 20;
constexpr char kName[] = "server.example";

class Identities {
 public:
  Identities() : server(root.IssueServer("DNS:server.example")) {}

  net_internal::TestAuthority root;
  net_internal::TestIdentity server;
};
const Identities& TheIdentities() {
  static const auto* const identities = new Identities();
  return *identities;
}

// --- evkit -------------------------------------------------------------------

std::shared_ptr<TlsContext> ClientContext() {
  OpensslOptions options;
  options.trust_system_store = false;
  options.trusted_pem = TheIdentities().root.certificate_pem();
  options.resume_sessions = false;
  return *NewOpensslContext(std::move(options));
}

std::shared_ptr<TlsContext> ServerContext() {
  OpensslOptions options;
  options.trust_system_store = false;
  options.certificate_chain_pem = TheIdentities().server.certificate_pem;
  options.private_key_pem = TheIdentities().server.key_pem;
  options.resume_sessions = false;
  return *NewOpensslContext(std::move(options));
}

class Sender : public Protocol {
 public:
  void ConnectionMade(std::shared_ptr<Transport> transport) override {
    transport_ = std::move(transport);
  }
  void ConnectionLost(const absl::Status&) override { transport_ = nullptr; }
  void PauseWriting() override { paused_ = true; }
  void ResumeWriting() override {
    paused_ = false;
    Send();
  }

  void Send(size_t bytes) {
    left_ = bytes;
    Send();
  }
  void Close() { transport_->Abort(); }

 private:
  void Send() {
    while (!paused_ && left_ > 0) {
      left_ -= kMessage;
      EVKIT_CHECK(transport_->Write(message_).ok(), "Write");
    }
  }

  const std::string message_ = std::string(kMessage, 'x');
  std::shared_ptr<Transport> transport_;
  size_t left_ = 0;
  bool paused_ = false;
};

class Receiver : public Protocol {
 public:
  explicit Receiver(EventLoop& loop) : loop_(loop) {}

  void DataReceived(absl::string_view data) override {
    received_ += data.size();
    if (received_ >= kBulk) {
      received_ = 0;
      loop_.Stop();
    }
  }

 private:
  EventLoop& loop_;
  size_t received_ = 0;
};

class EvkitConnection {
 public:
  EvkitConnection(EventLoop& loop, TlsContext& client_context,
                  TlsContext& server_context)
      : sender(std::make_shared<Sender>()) {
    auto [near, far] = *Socket::Pair();
    int ready = 0;
    const auto on_ready = [&](absl::StatusOr<std::shared_ptr<Transport>> made) {
      EVKIT_CHECK(made.ok(), "the handshake failed");
      if (++ready == 2) loop.Stop();
    };
    std::shared_ptr<Transport> plain = NewStreamTransport(
        loop, std::move(near),
        *NewTlsLayer(loop, *client_context.NewClientEngine(kName), sender,
                     TlsLayerOptions(), on_ready));
    NewStreamTransport(loop, std::move(far),
                       *NewTlsLayer(loop, *server_context.NewServerEngine(),
                                    std::make_shared<Receiver>(loop),
                                    TlsLayerOptions(), on_ready));
    EVKIT_CHECK(loop.RunForever().ok(), "RunForever");
  }

  std::shared_ptr<Sender> sender;
};

void BM_Handshake_Evkit(benchmark::State& state) {
  const auto loop = *NewDefaultEventLoop();
  const auto client = ClientContext();
  const auto server = ServerContext();
  for (auto _ : state) {
    EvkitConnection connection(*loop, *client, *server);
    connection.sender->Close();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Handshake_Evkit);

void BM_Bulk_Evkit(benchmark::State& state) {
  const auto loop = *NewDefaultEventLoop();
  EvkitConnection connection(*loop, *ClientContext(), *ServerContext());
  for (auto _ : state) {
    connection.sender->Send(kBulk);
    EVKIT_CHECK(loop->RunForever().ok(), "RunForever");
  }
  state.SetBytesProcessed(state.iterations() * kBulk);
}
BENCHMARK(BM_Bulk_Evkit);

// --- asio --------------------------------------------------------------------

using AsioSocket = asio::local::stream_protocol::socket;
using AsioStream = asio::ssl::stream<AsioSocket>;

class AsioContexts {
 public:
  AsioContexts()
      : client(asio::ssl::context::tls_client),
        server(asio::ssl::context::tls_server) {
    const Identities& identities = TheIdentities();
    client.set_verify_mode(asio::ssl::verify_peer);
    client.add_certificate_authority(
        asio::buffer(identities.root.certificate_pem()));
    server.use_certificate_chain(
        asio::buffer(identities.server.certificate_pem));
    server.use_private_key(asio::buffer(identities.server.key_pem),
                           asio::ssl::context::pem);
    for (asio::ssl::context* context : {&client, &server}) {
      SSL_CTX_set_session_cache_mode(context->native_handle(),
                                     SSL_SESS_CACHE_OFF);
      SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_TICKET);
      SSL_CTX_set_num_tickets(context->native_handle(), 0);
    }
  }

  asio::ssl::context client;
  asio::ssl::context server;
};

class AsioConnection {
 public:
  AsioConnection(asio::io_context& io, AsioContexts& contexts)
      : io_(io), client(io, contexts.client), server(io, contexts.server) {
    asio::local::connect_pair(client.next_layer(), server.next_layer());
    client.set_verify_callback(asio::ssl::host_name_verification(kName));
    SSL_set_tlsext_host_name(client.native_handle(), kName);
    const auto check = [](const asio::error_code& error) {
      EVKIT_CHECK(!error, "the handshake failed");
    };
    client.async_handshake(asio::ssl::stream_base::client, check);
    server.async_handshake(asio::ssl::stream_base::server, check);
    io_.restart();
    io_.run();
  }

  void Send(size_t bytes) {
    left_ = bytes;
    received_ = 0;
    Write();
    Read();
    io_.restart();
    io_.run();
  }

 private:
  void Write() {
    if (left_ == 0) return;
    left_ -= kMessage;
    asio::async_write(client, asio::buffer(message_),
                      [this](const asio::error_code& error, size_t) {
                        EVKIT_CHECK(!error, "async_write");
                        Write();
                      });
  }
  void Read() {
    server.async_read_some(asio::buffer(buffer_),
                           [this](const asio::error_code& error, size_t size) {
                             EVKIT_CHECK(!error, "async_read_some");
                             received_ += size;
                             if (received_ < kBulk) Read();
                           });
  }

  asio::io_context& io_;

 public:
  AsioStream client;
  AsioStream server;

 private:
  const std::string message_ = std::string(kMessage, 'x');
  std::string buffer_ = std::string(kMessage, ' ');
  size_t left_ = 0;
  size_t received_ = 0;
};

void BM_Handshake_Asio(benchmark::State& state) {
  asio::io_context io(1);
  AsioContexts contexts;
  for (auto _ : state) AsioConnection connection(io, contexts);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Handshake_Asio);

void BM_Bulk_Asio(benchmark::State& state) {
  asio::io_context io(1);
  AsioContexts contexts;
  AsioConnection connection(io, contexts);
  for (auto _ : state) connection.Send(kBulk);
  state.SetBytesProcessed(state.iterations() * kBulk);
}
BENCHMARK(BM_Bulk_Asio);

}  // namespace
}  // namespace evkit
