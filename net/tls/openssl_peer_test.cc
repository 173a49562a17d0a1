// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Engines and layers against peers that do what evkit's own never would.

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/loop/testing/test_loop.h"
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

const net_internal::TestAuthority& Root() {
  static const auto* const root = new net_internal::TestAuthority();
  return *root;
}
const net_internal::TestIdentity& Identity() {
  static const auto* const identity =
      new net_internal::TestIdentity(Root().IssueServer("DNS:server.example"));
  return *identity;
}

std::shared_ptr<TlsContext> ClientContext() {
  OpensslOptions options;
  options.trust_system_store = false;
  options.trusted_pem = Root().certificate_pem();
  return *NewOpensslContext(std::move(options));
}
std::shared_ptr<TlsContext> ServerContext() {
  OpensslOptions options;
  options.trust_system_store = false;
  options.certificate_chain_pem = Identity().certificate_pem;
  options.private_key_pem = Identity().key_pem;
  return *NewOpensslContext(std::move(options));
}

// OpenSSL as it comes, over memory.
class RawPeer {
 public:
  RawPeer(bool server_side, int version)
      : context_(SSL_CTX_new(TLS_method()), SSL_CTX_free) {
    SSL_CTX_set_min_proto_version(context_.get(), version);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    if (server_side) UseIdentity();
    ssl_.reset(SSL_new(context_.get()));
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_.get(), in_, out_);
    if (server_side) {
      SSL_set_accept_state(ssl_.get());
    } else {
      SSL_set_connect_state(ssl_.get());
      SSL_set_tlsext_host_name(ssl_.get(), "server.example");
    }
  }

  SSL* ssl() { return ssl_.get(); }
  void Feed(absl::string_view data) {
    BIO_write(in_, data.data(), static_cast<int>(data.size()));
  }
  std::string TakeOutput() {
    std::string output(BIO_ctrl_pending(out_), '\0');
    if (!output.empty()) {
      BIO_read(out_, output.data(), static_cast<int>(output.size()));
    }
    return output;
  }
  bool Handshake() {
    ERR_clear_error();
    return SSL_do_handshake(ssl()) == 1;
  }
  void Write(absl::string_view data) {
    EXPECT_EQ(SSL_write(ssl(), data.data(), static_cast<int>(data.size())),
              static_cast<int>(data.size()));
  }
  std::string ReadAll() {
    std::string all;
    char buffer[16384];
    for (;;) {
      ERR_clear_error();
      const int n = SSL_read(ssl(), buffer, sizeof(buffer));
      if (n <= 0) return all;
      all.append(buffer, n);
    }
  }

 private:
  void UseIdentity() {
    BIO* const pem = BIO_new_mem_buf(Identity().certificate_pem.data(), -1);
    X509* const certificate = PEM_read_bio_X509(pem, nullptr, nullptr, nullptr);
    BIO_free(pem);
    BIO* const key_pem = BIO_new_mem_buf(Identity().key_pem.data(), -1);
    EVP_PKEY* const key =
        PEM_read_bio_PrivateKey(key_pem, nullptr, nullptr, nullptr);
    BIO_free(key_pem);
    EXPECT_EQ(SSL_CTX_use_certificate(context_.get(), certificate), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context_.get(), key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

  class Free {
   public:
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<SSL, Free> ssl_;
  BIO* in_;   // The SSL's.
  BIO* out_;  // The SSL's.
};

bool Carry(RawPeer& peer, TlsEngine& engine) {
  const std::string from_peer = peer.TakeOutput();
  engine.Feed(from_peer);
  std::string from_engine;
  engine.TakeOutput(&from_engine);
  peer.Feed(from_engine);
  return !from_peer.empty() || !from_engine.empty();
}

void Handshake(RawPeer& peer, TlsEngine& engine) {
  bool peer_done = false;
  bool engine_done = false;
  for (int round = 0; round < 10 && !(peer_done && engine_done); ++round) {
    peer_done = peer_done || peer.Handshake();
    Carry(peer, engine);
    if (!engine_done) {
      const absl::StatusOr<bool> done = engine.Handshake();
      ASSERT_TRUE(done.ok()) << done.status();
      engine_done = *done;
    }
    Carry(peer, engine);
  }
  ASSERT_TRUE(peer_done && engine_done);
}

absl::StatusOr<std::string> ReadAll(TlsEngine& engine) {
  std::string all;
  char buffer[16384];
  for (;;) {
    const absl::StatusOr<std::optional<size_t>> read =
        engine.Read(absl::MakeSpan(buffer));
    if (!read.ok()) return read.status();
    if (!read->has_value() || **read == 0) return all;
    all.append(buffer, **read);
  }
}

TEST(OpensslPeerTest, bug_I7_AClientsRenegotiationIsRefusedAndNothingElse) {
  RawPeer peer(/*server_side=*/false, TLS1_2_VERSION);
  const std::unique_ptr<TlsEngine> engine = *ServerContext()->NewServerEngine();
  Handshake(peer, *engine);
  ASSERT_EQ(engine->Write("before"), absl::OkStatus());
  Carry(peer, *engine);
  EXPECT_EQ(peer.ReadAll(), "before");

  ASSERT_EQ(SSL_renegotiate(peer.ssl()), 1);
  EXPECT_FALSE(peer.Handshake());
  const std::string hello = peer.TakeOutput();
  ASSERT_FALSE(hello.empty());
  engine->Feed(hello);
  const absl::StatusOr<std::string> read = ReadAll(*engine);
  EXPECT_TRUE(read.ok()) << read.status();
  // An alert, no more: it costs neither keys nor a signature.
  std::string answer;
  engine->TakeOutput(&answer);
  ASSERT_FALSE(answer.empty());
  EXPECT_EQ(answer[0], 21);
  EXPECT_LT(answer.size(), 64u);
  EXPECT_EQ(engine->Write("after"), absl::OkStatus());
  engine->TakeOutput(&answer);

  // The one who insists on it gives up.
  peer.Feed(answer);
  EXPECT_FALSE(peer.Handshake());
  EXPECT_EQ(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
  ERR_clear_error();
}

TEST(OpensslPeerTest, bug_I7_AServersRenegotiationIsRefusedAndNothingElse) {
  RawPeer peer(/*server_side=*/true, TLS1_2_VERSION);
  const std::unique_ptr<TlsEngine> engine =
      *ClientContext()->NewClientEngine("server.example");
  Handshake(peer, *engine);
  ASSERT_EQ(SSL_renegotiate(peer.ssl()), 1);
  peer.Handshake();  // Says hello-request, and does not wait.
  peer.Write("goes on");
  engine->Feed(peer.TakeOutput());
  const absl::StatusOr<std::string> read = ReadAll(*engine);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, "goes on");
  std::string answer;
  engine->TakeOutput(&answer);
  ASSERT_FALSE(answer.empty());
  EXPECT_EQ(answer[0], 21);
  EXPECT_LT(answer.size(), 64u);
}

// Sends back what it gets, and something of its own at times.
class Echo : public Protocol {
 public:
  void ConnectionMade(std::shared_ptr<Transport> its_transport) override {
    transport = std::move(its_transport);
  }
  void DataReceived(absl::string_view data) override {
    EXPECT_TRUE(transport->Write(data).ok());
  }
  void ConnectionLost(const absl::Status& status) override { lost = status; }

  std::shared_ptr<Transport> transport;
  std::optional<absl::Status> lost;
};

TEST(OpensslPeerTest, bug_I11_KeyUpdatesAtAnyPointStallNothing) {
  for (const bool peer_is_server : {false, true}) {
    TestLoop test;
    std::mt19937_64 random(test.seed());
    auto [near, far] = *Socket::Pair();
    RawPeer peer(peer_is_server, TLS1_3_VERSION);
    const auto echo = std::make_shared<Echo>();
    NewStreamTransport(
        test.loop(), std::move(near),
        *NewTlsLayer(test.loop(),
                     peer_is_server
                         ? *ClientContext()->NewClientEngine("server.example")
                         : *ServerContext()->NewServerEngine(),
                     echo, TlsLayerOptions(), nullptr));
    std::string to_layer;
    std::string echoed;
    const auto carry = [&, &socket = far](size_t most) {
      to_layer += peer.TakeOutput();
      const size_t size = std::min(most, to_layer.size());
      if (size > 0) {
        const IoResult sent = socket.Send(to_layer.substr(0, size));
        ASSERT_TRUE(sent.ok());
        to_layer.erase(0, sent.bytes());
      }
      ASSERT_TRUE(test.RunUntilIdle().ok());
      char buffer[65536];
      const IoResult got = socket.Recv(absl::MakeSpan(buffer));
      if (got.ok()) peer.Feed(absl::string_view(buffer, got.bytes()));
    };
    bool done = false;
    for (int i = 0; i < 10 && !done; ++i) {
      done = peer.Handshake();
      carry(65536);
    }
    ASSERT_TRUE(done);
    std::string sent;
    int updates = 0;
    for (int step = 0; step < 2000; ++step) {
      switch (random() % 4) {
        case 0: {
          const std::string data(1 + random() % 3000,
                                 static_cast<char>('a' + step % 26));
          peer.Write(data);
          sent += data;
          break;
        }
        case 1:
          // Only one of them may be under way.
          if (SSL_get_key_update_type(peer.ssl()) != SSL_KEY_UPDATE_NONE) break;
          ASSERT_EQ(
              SSL_key_update(peer.ssl(), random() % 2 == 0
                                             ? SSL_KEY_UPDATE_REQUESTED
                                             : SSL_KEY_UPDATE_NOT_REQUESTED),
              1);
          ASSERT_TRUE(peer.Handshake());
          ++updates;
          break;
        default:
          carry(random() % 5000);
          echoed += peer.ReadAll();
      }
      ASSERT_FALSE(echo->lost.has_value()) << *echo->lost;
    }
    for (int i = 0; i < 1000 && echoed.size() < sent.size(); ++i) {
      carry(65536);
      echoed += peer.ReadAll();
    }
    EXPECT_GT(updates, 100);
    EXPECT_GT(sent.size(), 100000u);
    EXPECT_TRUE(echoed == sent) << echoed.size() << " of " << sent.size();
  }
}

}  // namespace
}  // namespace evkit
