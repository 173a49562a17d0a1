// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/tls/openssl_context.h"

#include <cerrno>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "evkit/base/errno_status.h"
#include "evkit/net/tls/internal/test_certificates.h"
#include "evkit/net/tls/tls_engine.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using net_internal::TestAuthority;
using net_internal::TestCertificateOptions;
using net_internal::TestIdentity;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const TestAuthority& Root() {
  static const auto* const root = new TestAuthority();
  return *root;
}

OpensslOptions ClientOptions() {
  OpensslOptions options;
  options.trust_system_store = false;
  options.trusted_pem = Root().certificate_pem();
  return options;
}

OpensslOptions ServerOptions(const TestIdentity& identity) {
  OpensslOptions options;
  options.trust_system_store = false;
  options.certificate_chain_pem = identity.certificate_pem;
  options.private_key_pem = identity.key_pem;
  return options;
}

OpensslOptions ServerOptions() {
  static const auto* const identity =
      new TestIdentity(Root().IssueServer("DNS:server.example"));
  return ServerOptions(*identity);
}

std::shared_ptr<TlsContext> Context(OpensslOptions options) {
  absl::StatusOr<std::shared_ptr<TlsContext>> context =
      NewOpensslContext(std::move(options));
  EXPECT_TRUE(context.ok()) << context.status();
  return *std::move(context);
}

// Both ends of a connection, and the wire between them.
class Pair {
 public:
  Pair(const std::shared_ptr<TlsContext>& client_context,
       const std::shared_ptr<TlsContext>& server_context,
       absl::string_view name = "server.example")
      : client(*client_context->NewClientEngine(name)),
        server(*server_context->NewServerEngine()) {}

  // What each end has to say goes to the other; whether there was anything.
  bool Carry() {
    std::string to_server;
    std::string to_client;
    client->TakeOutput(&to_server);
    server->TakeOutput(&to_client);
    server->Feed(to_server);
    client->Feed(to_client);
    return !to_server.empty() || !to_client.empty();
  }

  // Until both are done, or one has failed: then its error, the client's first,
  // and the other end has been told.
  absl::Status Handshake() {
    bool client_done = false;
    bool server_done = false;
    for (int round = 0; round < 20; ++round) {
      if (!client_done && client_error.ok()) {
        absl::StatusOr<bool> done = client->Handshake();
        client_done = done.ok() && *done;
        client_error = done.status();
      }
      Carry();
      if (!server_done && server_error.ok()) {
        absl::StatusOr<bool> done = server->Handshake();
        server_done = done.ok() && *done;
        server_error = done.status();
      }
      const bool carried = Carry();
      if (client_done && server_done) return absl::OkStatus();
      if (!carried && !(client_error.ok() && server_error.ok())) break;
    }
    return client_error.ok() ? server_error : client_error;
  }

  std::unique_ptr<TlsEngine> client;
  std::unique_ptr<TlsEngine> server;
  absl::Status client_error;
  absl::Status server_error;
};

// All that can be read; how it ended is in `*end`: nothing if more is needed.
std::string ReadAll(TlsEngine& engine,
                    absl::StatusOr<std::optional<size_t>>* end = nullptr) {
  std::string text;
  for (;;) {
    char buffer[4096];
    absl::StatusOr<std::optional<size_t>> read =
        engine.Read(absl::MakeSpan(buffer));
    if (!read.ok() || !read->has_value() || **read == 0) {
      if (end != nullptr) *end = std::move(read);
      return text;
    }
    text.append(buffer, **read);
  }
}

TEST(OpensslContextTest, HandshakeThenBytesBothWays) {
  Pair pair(Context(ClientOptions()), Context(ServerOptions()));
  ASSERT_EQ(pair.Handshake(), absl::OkStatus());
  ASSERT_EQ(pair.client->Write("hello"), absl::OkStatus());
  ASSERT_EQ(pair.server->Write("good day"), absl::OkStatus());
  pair.Carry();
  EXPECT_EQ(ReadAll(*pair.server), "hello");
  EXPECT_EQ(ReadAll(*pair.client), "good day");
}

TEST(OpensslContextTest, NothingIsReadableInTheBytesOnTheWire) {
  Pair pair(Context(ClientOptions()), Context(ServerOptions()));
  ASSERT_EQ(pair.Handshake(), absl::OkStatus());
  ASSERT_EQ(pair.client->Write("attack at dawn"), absl::OkStatus());
  std::string wire;
  pair.client->TakeOutput(&wire);
  EXPECT_THAT(wire, ::testing::Not(HasSubstr("dawn")));
}

TEST(OpensslContextTest, BytesMayArriveOneByOne) {
  Pair pair(Context(ClientOptions()), Context(ServerOptions()));
  bool client_done = false;
  bool server_done = false;
  for (int round = 0; round < 10 && !(client_done && server_done); ++round) {
    std::string wire;
    client_done = client_done || *pair.client->Handshake();
    pair.client->TakeOutput(&wire);
    for (char byte : wire) {
      pair.server->Feed(absl::string_view(&byte, 1));
      server_done = server_done || *pair.server->Handshake();
    }
    wire.clear();
    pair.server->TakeOutput(&wire);
    for (char byte : wire) {
      pair.client->Feed(absl::string_view(&byte, 1));
      client_done = client_done || *pair.client->Handshake();
    }
  }
  ASSERT_TRUE(client_done && server_done);
  ASSERT_EQ(pair.client->Write(std::string(50000, 'x')), absl::OkStatus());
  std::string wire;
  pair.client->TakeOutput(&wire);
  std::string got;
  for (char byte : wire) {
    pair.server->Feed(absl::string_view(&byte, 1));
    got += ReadAll(*pair.server);
  }
  EXPECT_EQ(got, std::string(50000, 'x'));
}

TEST(OpensslContextTest, InfoTellsWhatWasAgreedUpon) {
  OpensslOptions client = ClientOptions();
  OpensslOptions server = ServerOptions();
  client.alpn_protocols = {"h2", "http/1.1"};
  server.alpn_protocols = {"http/1.1"};
  Pair pair(Context(std::move(client)), Context(std::move(server)));
  ASSERT_EQ(pair.Handshake(), absl::OkStatus());
  const TlsInfo at_client = pair.client->info();
  EXPECT_EQ(at_client.protocol, "TLSv1.3");
  EXPECT_THAT(at_client.cipher, HasSubstr("TLS_"));
  EXPECT_EQ(at_client.alpn_protocol, "http/1.1");
  EXPECT_EQ(at_client.peer_certificates.size(), 1u);
  EXPECT_TRUE(at_client.peer_verified);
  EXPECT_FALSE(at_client.resumed);
  const TlsInfo at_server = pair.server->info();
  EXPECT_EQ(at_server.server_name, "server.example");
  EXPECT_EQ(at_server.alpn_protocol, "http/1.1");
  EXPECT_TRUE(at_server.peer_certificates.empty());
  EXPECT_FALSE(at_server.peer_verified);
}

TEST(OpensslContextTest, NoCommonApplicationProtocolIsAFailure) {
  OpensslOptions client = ClientOptions();
  OpensslOptions server = ServerOptions();
  client.alpn_protocols = {"h2"};
  server.alpn_protocols = {"http/1.1"};
  Pair pair(Context(std::move(client)), Context(std::move(server)));
  EXPECT_EQ(pair.Handshake().code(), absl::StatusCode::kAborted);
}

// --- Whom to believe ---------------------------------------------------------

class Case {
 public:
  Case(std::string name_of_case, std::string connect_to, bool is_good)
      : what(std::move(name_of_case)),
        name(std::move(connect_to)),
        good(is_good) {}

  std::string what;
  std::string name;
  bool good;
  TestCertificateOptions certificate;
  bool self_signed = false;
  bool trusted = true;
};

std::vector<Case> Cases() {
  std::vector<Case> cases;
  const auto add = [&cases](const char* what, const char* name, bool good,
                            const char* subject_alt_name) -> Case& {
    Case& added = cases.emplace_back(what, name, good);
    added.certificate.subject_alt_name = subject_alt_name;
    added.certificate.extended_key_usage = "serverAuth";
    return added;
  };
  add("the name", "a.example", true, "DNS:a.example");
  add("one of several names", "b.example", true, "DNS:a.example,DNS:b.example");
  add("the name in capitals", "A.EXAMPLE", true, "DNS:a.example");
  add("the root's dot", "a.example.", true, "DNS:a.example");
  add("another name", "a.example", false, "DNS:b.example");
  add("a name that ends the same", "a.example", false, "DNS:evil-a.example");
  add("a wildcard", "x.a.example", true, "DNS:*.a.example");
  add("a wildcard for two labels", "y.x.a.example", false, "DNS:*.a.example");
  add("a wildcard for none", "a.example", false, "DNS:*.a.example");
  add("a wildcard within a label", "xa.b.example", false, "DNS:x*.b.example");
  add("a wildcard of everything", "example", false, "DNS:*");
  add("an IPv4 address", "127.0.0.1", true, "IP:127.0.0.1");
  add("an IPv6 address", "::1", true, "IP:::1");
  add("an IPv6 address with a zone", "fe80::1%lo", true, "IP:fe80::1");
  add("another address", "127.0.0.1", false, "IP:127.0.0.2");
  add("an address as a name", "127.0.0.1", false, "DNS:127.0.0.1");
  add("a name beside an address", "127.0.0.1", false, "DNS:a.example");
  add("an address for a name", "a.example", false, "IP:127.0.0.1");
  add("no names but the common one", "a.example", false, "")
      .certificate.common_name = "a.example";
  add("the common name beside others", "a.example", false, "DNS:b.example")
      .certificate.common_name = "a.example";
  add("expired", "a.example", false, "DNS:a.example").certificate.ends =
      -absl::Minutes(1);
  add("not yet valid", "a.example", false, "DNS:a.example").certificate.begins =
      absl::Hours(1);
  add("for clients only", "a.example", false, "DNS:a.example")
      .certificate.extended_key_usage = "clientAuth";
  add("for any use", "a.example", true, "DNS:a.example")
      .certificate.extended_key_usage = "";
  add("signed by itself", "a.example", false, "DNS:a.example").self_signed =
      true;
  add("of an authority that nobody trusts", "a.example", false, "DNS:a.example")
      .trusted = false;
  return cases;
}

// I8
TEST(OpensslContextTest, bug_I8_OnlyACertificateForThisNameIsGood) {
  const TestAuthority stranger;
  for (const Case& c : Cases()) {
    const TestIdentity identity =
        c.self_signed ? TestAuthority::SelfSigned(c.certificate)
                      : (c.trusted ? Root() : stranger).Issue(c.certificate);
    Pair pair(Context(ClientOptions()), Context(ServerOptions(identity)),
              c.name);
    const absl::Status status = pair.Handshake();
    if (c.good) {
      EXPECT_EQ(status, absl::OkStatus()) << c.what;
    } else {
      EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated)
          << c.what << ": " << status;
    }
  }
}

TEST(OpensslContextTest, AChainIsFollowedToTheTrustedRoot) {
  const TestAuthority intermediate(&Root());
  TestIdentity identity = intermediate.IssueServer("DNS:server.example");
  {
    Pair without(Context(ClientOptions()), Context(ServerOptions(identity)));
    EXPECT_EQ(without.Handshake().code(), absl::StatusCode::kUnauthenticated);
  }
  identity.certificate_pem += intermediate.certificate_pem();
  Pair pair(Context(ClientOptions()), Context(ServerOptions(identity)));
  EXPECT_EQ(pair.Handshake(), absl::OkStatus());
  EXPECT_EQ(pair.client->info().peer_certificates.size(), 2u);
}

TEST(OpensslContextTest, ARefusedServerIsToldWhy) {
  const TestAuthority stranger;
  Pair pair(Context(ClientOptions()),
            Context(ServerOptions(stranger.IssueServer("DNS:server.example"))));
  EXPECT_THAT(std::string(pair.Handshake().message()),
              HasSubstr("unable to get local issuer certificate"));
  EXPECT_EQ(pair.server_error.code(), absl::StatusCode::kUnauthenticated)
      << pair.server_error;
}

TEST(OpensslContextTest, VerificationCanBeOff) {
  OpensslOptions client = ClientOptions();
  client.verify_server = TlsVerification::kNone;
  const TestAuthority stranger;
  Pair pair(Context(std::move(client)),
            Context(ServerOptions(stranger.IssueServer("DNS:other.example"))));
  EXPECT_EQ(pair.Handshake(), absl::OkStatus());
  EXPECT_FALSE(pair.client->info().peer_verified);
}

TEST(OpensslContextTest, OnlyTheNameCanGoUnchecked) {
  OpensslOptions options = ClientOptions();
  options.check_server_name = false;
  const std::shared_ptr<TlsContext> client = Context(std::move(options));
  {
    Pair pair(client, Context(ServerOptions()), "");
    EXPECT_EQ(pair.Handshake(), absl::OkStatus());
    EXPECT_EQ(pair.server->info().server_name, "");
  }
  {
    Pair pair(client, Context(ServerOptions()), "other.example");
    EXPECT_EQ(pair.Handshake(), absl::OkStatus());
  }
  {
    Pair pair(client, Context(ServerOptions()), "127.0.0.1");
    EXPECT_EQ(pair.Handshake(), absl::OkStatus());
  }
  const TestAuthority stranger;
  Pair pair(client,
            Context(ServerOptions(stranger.IssueServer("DNS:server.example"))));
  EXPECT_EQ(pair.Handshake().code(), absl::StatusCode::kUnauthenticated);
}

// TLS-08
TEST(OpensslContextTest, AClientThatChecksNamesNeedsOne) {
  const std::shared_ptr<TlsContext> context = Context(ClientOptions());
  for (const std::string& name :
       {std::string(), std::string("a\0b", 3), std::string(300, 'a')}) {
    EXPECT_EQ(context->NewClientEngine(name).status().code(),
              absl::StatusCode::kInvalidArgument)
        << name;
  }
}

TEST(OpensslContextTest, AServerCanDemandCertificates) {
  const TestIdentity identity = Root().IssueClient("somebody");
  for (const TlsVerification demand :
       {TlsVerification::kNone, TlsVerification::kOptional,
        TlsVerification::kRequired}) {
    for (const bool shown : {false, true}) {
      OpensslOptions server = ServerOptions();
      server.trusted_pem = Root().certificate_pem();
      server.verify_client = demand;
      OpensslOptions client = ClientOptions();
      if (shown) {
        client.certificate_chain_pem = identity.certificate_pem;
        client.private_key_pem = identity.key_pem;
      }
      Pair pair(Context(std::move(client)), Context(std::move(server)));
      const absl::Status status = pair.Handshake();
      if (demand == TlsVerification::kRequired && !shown) {
        EXPECT_EQ(pair.server_error.code(), absl::StatusCode::kUnauthenticated);
        continue;
      }
      EXPECT_EQ(status, absl::OkStatus());
      EXPECT_EQ(pair.server->info().peer_verified,
                shown && demand != TlsVerification::kNone);
    }
  }
}

TEST(OpensslContextTest, AClientCertificateThatIsNotGoodIsRefused) {
  OpensslOptions server = ServerOptions();
  server.trusted_pem = Root().certificate_pem();
  server.verify_client = TlsVerification::kOptional;
  const TestAuthority stranger;
  const TestIdentity identity = stranger.IssueClient("somebody");
  OpensslOptions client = ClientOptions();
  client.certificate_chain_pem = identity.certificate_pem;
  client.private_key_pem = identity.key_pem;
  Pair pair(Context(std::move(client)), Context(std::move(server)));
  EXPECT_FALSE(pair.Handshake().ok());
  EXPECT_EQ(pair.server_error.code(), absl::StatusCode::kUnauthenticated);
}

// --- Names, versions, sessions -----------------------------------------------

TEST(OpensslContextTest, AServerChoosesItsCertificateByName) {
  const std::shared_ptr<TlsContext> other =
      Context(ServerOptions(Root().IssueServer("DNS:other.example")));
  std::vector<std::string> asked;
  OpensslOptions options = ServerOptions();
  options.select_context =
      [&](absl::string_view name) -> std::shared_ptr<TlsContext> {
    asked.emplace_back(name);
    return name == "other.example" ? other : nullptr;
  };
  const std::shared_ptr<TlsContext> server = Context(std::move(options));
  const std::shared_ptr<TlsContext> client = Context(ClientOptions());
  {
    Pair pair(client, server, "other.example");
    EXPECT_EQ(pair.Handshake(), absl::OkStatus());
  }
  {
    Pair pair(client, server, "server.example");
    EXPECT_EQ(pair.Handshake(), absl::OkStatus());
  }
  EXPECT_THAT(asked, ElementsAre("other.example", "server.example"));
}

#if defined(__cpp_exceptions)
// I14
TEST(OpensslContextTest, bug_I14_AThrowingChoiceFailsTheHandshake) {
  OpensslOptions options = ServerOptions();
  options.select_context =
      [](absl::string_view) -> std::shared_ptr<TlsContext> {
    throw std::runtime_error("no such tenant");
  };
  Pair pair(Context(ClientOptions()), Context(std::move(options)));
  EXPECT_FALSE(pair.Handshake().ok());
  EXPECT_THAT(std::string(pair.server_error.message()),
              HasSubstr("no such tenant"));
}
#endif

TEST(OpensslContextTest, TheMinimumVersionIsKept) {
  OpensslOptions client = ClientOptions();
  client.minimum_version = TlsVersion::kTls13;
  Pair pair(Context(std::move(client)), Context(ServerOptions()));
  EXPECT_EQ(pair.Handshake(), absl::OkStatus());
  EXPECT_EQ(pair.client->info().protocol, "TLSv1.3");
}

TEST(OpensslContextTest, SessionsAreResumed) {
  const std::shared_ptr<TlsContext> client = Context(ClientOptions());
  const std::shared_ptr<TlsContext> server = Context(ServerOptions());
  for (const bool resumed : {false, true, true}) {
    Pair pair(client, server);
    ASSERT_EQ(pair.Handshake(), absl::OkStatus());
    // The ticket comes after the handshake.
    ASSERT_EQ(pair.server->Write("x"), absl::OkStatus());
    pair.Carry();
    EXPECT_EQ(ReadAll(*pair.client), "x");
    EXPECT_EQ(pair.client->info().resumed, resumed);
    EXPECT_EQ(pair.server->info().resumed, resumed);
    EXPECT_TRUE(pair.client->info().peer_verified);
  }
}

TEST(OpensslContextTest, SessionsOfOtherNamesAreNotResumed) {
  const TestIdentity identity =
      Root().IssueServer("DNS:server.example,DNS:other.example");
  const std::shared_ptr<TlsContext> client = Context(ClientOptions());
  const std::shared_ptr<TlsContext> server = Context(ServerOptions(identity));
  for (const char* name : {"server.example", "other.example"}) {
    Pair pair(client, server, name);
    ASSERT_EQ(pair.Handshake(), absl::OkStatus());
    ASSERT_EQ(pair.server->Write("x"), absl::OkStatus());
    pair.Carry();
    EXPECT_EQ(ReadAll(*pair.client), "x");
    EXPECT_FALSE(pair.client->info().resumed);
  }
}

TEST(OpensslContextTest, ResumptionCanBeOff) {
  OpensslOptions options = ServerOptions();
  options.resume_sessions = false;
  const std::shared_ptr<TlsContext> client = Context(ClientOptions());
  const std::shared_ptr<TlsContext> server = Context(std::move(options));
  for (int i = 0; i < 2; ++i) {
    Pair pair(client, server);
    ASSERT_EQ(pair.Handshake(), absl::OkStatus());
    ASSERT_EQ(pair.server->Write("x"), absl::OkStatus());
    pair.Carry();
    EXPECT_EQ(ReadAll(*pair.client), "x");
    EXPECT_FALSE(pair.client->info().resumed);
  }
}

TEST(OpensslContextTest, TheKeyLogHasTheSecrets) {
  const std::string file = absl::StrCat(::testing::TempDir(), "/key_log");
  OpensslOptions options = ClientOptions();
  options.key_log_file = file;
  Pair pair(Context(std::move(options)), Context(ServerOptions()));
  ASSERT_EQ(pair.Handshake(), absl::OkStatus());
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  EXPECT_THAT(text.str(), HasSubstr("CLIENT_TRAFFIC_SECRET_0"));
}

// --- The end -----------------------------------------------------------------

// I2
TEST(OpensslContextTest, bug_I2_WhatThePeerSaidBeforeItsEndIsDelivered) {
  Pair pair(Context(ClientOptions()), Context(ServerOptions()));
  ASSERT_EQ(pair.Handshake(), absl::OkStatus());
  ASSERT_EQ(pair.server->Write("the rest"), absl::OkStatus());
  ASSERT_EQ(pair.server->Shutdown(), absl::OkStatus());
  ASSERT_EQ(pair.client->Shutdown(), absl::OkStatus());
  pair.Carry();
  absl::StatusOr<std::optional<size_t>> end;
  EXPECT_EQ(ReadAll(*pair.client, &end), "the rest");
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(*end, 0u);
  EXPECT_EQ(ReadAll(*pair.server, &end), "");
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_EQ(*end, 0u);
}

// I1
TEST(OpensslContextTest, bug_I1_ACutStreamIsNotAnEnd) {
  constexpr size_t kSize = 65536;
  const std::string data(kSize, 'd');
  const std::shared_ptr<TlsContext> client = Context(ClientOptions());
  const std::shared_ptr<TlsContext> server = Context(ServerOptions());
  for (size_t cut = 0; cut < kSize; cut += 997) {
    Pair pair(client, server);
    ASSERT_EQ(pair.Handshake(), absl::OkStatus());
    ASSERT_EQ(pair.server->Write(data), absl::OkStatus());
    ASSERT_EQ(pair.server->Shutdown(), absl::OkStatus());
    std::string wire;
    pair.server->TakeOutput(&wire);
    pair.client->Feed(absl::string_view(wire).substr(0, cut));
    pair.client->FeedEof();
    absl::StatusOr<std::optional<size_t>> end;
    EXPECT_LT(ReadAll(*pair.client, &end).size(), kSize);
    EXPECT_EQ(end.status().code(), absl::StatusCode::kDataLoss) << cut;
  }
}

TEST(OpensslContextTest, NothingIsWrittenAfterTheEnd) {
  Pair pair(Context(ClientOptions()), Context(ServerOptions()));
  ASSERT_EQ(pair.Handshake(), absl::OkStatus());
  ASSERT_EQ(pair.client->Shutdown(), absl::OkStatus());
  EXPECT_EQ(pair.client->Shutdown(), absl::OkStatus());
  EXPECT_EQ(pair.client->Write("x").code(),
            absl::StatusCode::kFailedPrecondition);
}

// TLS-06
TEST(OpensslContextTest, TheEndWithinTheHandshakeIsAReset) {
  Pair pair(Context(ClientOptions()), Context(ServerOptions()));
  ASSERT_EQ(pair.client->Handshake().value(), false);
  pair.client->FeedEof();
  EXPECT_EQ(ErrnoFromStatus(pair.client->Handshake().status()), ECONNRESET);
}

TEST(OpensslContextTest, WhatIsNotTlsIsRefused) {
  Pair pair(Context(ClientOptions()), Context(ServerOptions()));
  pair.server->Feed("GET / HTTP/1.1\r\nHost: server.example\r\n\r\n");
  EXPECT_EQ(pair.server->Handshake().status().code(),
            absl::StatusCode::kAborted);
}

TEST(OpensslContextTest, ATamperedRecordIsRefused) {
  Pair pair(Context(ClientOptions()), Context(ServerOptions()));
  ASSERT_EQ(pair.Handshake(), absl::OkStatus());
  ASSERT_EQ(pair.client->Write("one hundred"), absl::OkStatus());
  std::string wire;
  pair.client->TakeOutput(&wire);
  wire.back() = static_cast<char>(wire.back() ^ 1);
  pair.server->Feed(wire);
  absl::StatusOr<std::optional<size_t>> end;
  EXPECT_EQ(ReadAll(*pair.server, &end), "");
  EXPECT_EQ(end.status().code(), absl::StatusCode::kAborted);
}

// I9
TEST(OpensslContextTest, bug_I9_AFailureIsNobodyElses) {
  Pair good(Context(ClientOptions()), Context(ServerOptions()));
  ASSERT_EQ(good.Handshake(), absl::OkStatus());
  Pair bad(Context(ClientOptions()), Context(ServerOptions()), "other.example");
  EXPECT_FALSE(bad.Handshake().ok());
  bad.server->Feed("garbage");
  EXPECT_FALSE(bad.server->Handshake().ok());
  absl::StatusOr<std::optional<size_t>> end;
  EXPECT_EQ(ReadAll(*good.client, &end), "");
  ASSERT_TRUE(end.ok()) << end.status();
  EXPECT_FALSE(end->has_value());
  ASSERT_EQ(good.client->Write("still here"), absl::OkStatus());
  good.Carry();
  EXPECT_EQ(ReadAll(*good.server), "still here");
}

// --- Bad options -------------------------------------------------------------

TEST(OpensslContextTest, BadOptionsAreNamed) {
  const auto message_of = [](void (*spoil)(OpensslOptions&)) {
    OpensslOptions options = ServerOptions();
    spoil(options);
    const absl::Status status = NewOpensslContext(std::move(options)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  };
  EXPECT_THAT(message_of([](OpensslOptions& o) { o.trusted_pem = "nonsense"; }),
              HasSubstr("trusted_pem"));
  EXPECT_THAT(message_of([](OpensslOptions& o) {
                o.certificate_chain_pem = "nonsense";
              }),
              HasSubstr("certificate_chain_pem"));
  EXPECT_THAT(message_of([](OpensslOptions& o) {
                o.private_key_pem = Root().IssueClient("other").key_pem;
              }),
              HasSubstr("private_key"));
  EXPECT_THAT(
      message_of([](OpensslOptions& o) { o.tls12_ciphers = "nonsense"; }),
      HasSubstr("tls12_ciphers"));
  EXPECT_THAT(
      message_of([](OpensslOptions& o) { o.tls13_ciphersuites = "nonsense"; }),
      HasSubstr("tls13_ciphersuites"));
  EXPECT_THAT(message_of([](OpensslOptions& o) { o.alpn_protocols = {""}; }),
              HasSubstr("alpn_protocols"));
}

TEST(OpensslContextTest, AFileThatIsNotThereIsSaidToBeMissing) {
  OpensslOptions options;
  options.certificate_chain_file = "/nonexistent/chain.pem";
  const absl::Status status = NewOpensslContext(std::move(options)).status();
  EXPECT_EQ(ErrnoFromStatus(status), ENOENT) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("/nonexistent/chain.pem"));
}

TEST(OpensslContextTest, AServerNeedsACertificate) {
  EXPECT_EQ(Context(ClientOptions())->NewServerEngine().status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace evkit
