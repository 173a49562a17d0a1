// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The client and servers of every kind, over TLS and real connections.

#include "evkit/examples/https_get/https_get.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/examples/https_get/https_url.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/streams/start_server.h"
#include "evkit/net/tls/internal/test_certificates.h"
#include "evkit/net/tls/openssl_context.h"
#include "evkit/net/tls/tls_engine.h"
#include "evkit/net/tls/tls_options.h"
#include "evkit/net/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using net_internal::TestAuthority;
using net_internal::TestCertificateOptions;
using net_internal::TestIdentity;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const TestAuthority& Root() {
  static const auto* const root = new TestAuthority();
  return *root;
}

// A certificate for this machine.
TestCertificateOptions Good() {
  TestCertificateOptions options;
  options.subject_alt_name = "IP:127.0.0.1";
  options.extended_key_usage = "serverAuth";
  return options;
}

OpensslOptions ClientOptions() {
  OpensslOptions options;
  options.trust_system_store = false;
  options.trusted_pem = Root().certificate_pem();
  return options;
}

class HttpsGetTest : public ::testing::Test {
 protected:
  // What a server that answers so, whoever asks, makes of the client.
  absl::StatusOr<HttpsPage> Get(std::string answer) {
    answer_ = std::move(answer);
    const auto get = [this]() -> Coro<HttpsPage> {
      StartServerOptions options;
      options.tls.emplace(ServerContext());
      const auto serve = [this](StreamReader reader, StreamWriter writer) {
        return Serve(std::move(reader), std::move(writer));
      };
      const std::shared_ptr<Server> server =
          co_await OrReturn(StartServer(serve, "127.0.0.1", 0, options));
      HttpsUrl url;
      url.host = "127.0.0.1";
      url.port = server->Sockets()[0].LocalAddress()->port();
      url.target = "/page?q";
      const std::shared_ptr<TlsContext> context =
          co_await OrReturn(NewOpensslContext(client_options_));
      HttpsPage page = co_await OrReturn(HttpsGet(url, context, max_body_));
      co_return page;
    };
    return RunUntilComplete(test_.loop(), get());
  }

  std::shared_ptr<TlsContext> ServerContext() {
    OpensslOptions options;
    options.trust_system_store = false;
    options.certificate_chain_pem = identity_.certificate_pem;
    options.private_key_pem = identity_.key_pem;
    return *NewOpensslContext(std::move(options));
  }

  Coro<void> Serve(StreamReader reader, StreamWriter writer) {
    request_ = co_await OrReturn(reader.ReadUntil("\r\n\r\n"));
    co_await OrReturn(writer.Write(answer_));
    if (cut_) {
      writer.transport()->Abort();
    } else {
      writer.Close();
    }
    co_return absl::OkStatus();
  }

  TestLoop test_;
  TestIdentity identity_ = Root().Issue(Good());
  OpensslOptions client_options_ = ClientOptions();
  size_t max_body_ = 1000;
  bool cut_ = false;
  std::string answer_;
  std::string request_;
};

TEST_F(HttpsGetTest, APageOfKnownLength) {
  const std::string head = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
  const auto page = Get(absl::StrCat(head, "hello", "and more"));
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->head, head);
  EXPECT_EQ(page->body, "hello");
  EXPECT_EQ(page->status, 200);
  EXPECT_TRUE(page->tls.peer_verified);
  EXPECT_EQ(page->tls.protocol, "TLSv1.3");
  EXPECT_THAT(request_, StartsWith("GET /page?q HTTP/1.1\r\nHost: 127.0.0.1:"));
}

TEST_F(HttpsGetTest, APageInChunks) {
  const auto page =
      Get("HTTP/1.1 103 Early Hints\r\n\r\n"
          "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"
          "3;x=y\r\nhel\r\nA\r\nlo, world!\r\n0\r\nTrailer: 1\r\n\r\n");
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->status, 404);
  EXPECT_EQ(page->body, "hello, world!");
}

TEST_F(HttpsGetTest, APageThatEndsWithTheConnection) {
  const auto page = Get("HTTP/1.0 200 OK\r\n\r\nhello");
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->body, "hello");
}

TEST_F(HttpsGetTest, APageThatIsCutIsNoPage) {
  cut_ = true;
  const auto page = Get("HTTP/1.0 200 OK\r\n\r\nhello");
  EXPECT_EQ(page.status().code(), absl::StatusCode::kDataLoss) << page.status();
}

TEST_F(HttpsGetTest, APageThatIsTooShortIsNoPage) {
  const auto page = Get("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello");
  EXPECT_EQ(page.status().code(), absl::StatusCode::kOutOfRange)
      << page.status();
}

TEST_F(HttpsGetTest, NoPageIsLargerThanAllowed) {
  max_body_ = 4;
  for (const char* answer :
       {"HTTP/1.0 200 OK\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"}) {
    EXPECT_EQ(Get(answer).status().code(), absl::StatusCode::kResourceExhausted)
        << answer;
  }
}

TEST_F(HttpsGetTest, WhatIsNotHttpIsRefused) {
  for (const char* answer :
       {"220 mail.example ESMTP\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"}) {
    EXPECT_EQ(Get(answer).status().code(), absl::StatusCode::kInvalidArgument)
        << answer;
  }
}

TEST_F(HttpsGetTest, AServerOfAnotherNameIsNotTalkedTo) {
  TestCertificateOptions options = Good();
  options.subject_alt_name = "DNS:other.example";
  identity_ = Root().Issue(options);
  const auto page = Get("HTTP/1.0 200 OK\r\n\r\n");
  EXPECT_EQ(page.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(page.status().message()),
              HasSubstr("IP address mismatch"));
  EXPECT_EQ(request_, "");
}

TEST_F(HttpsGetTest, AnExpiredCertificateIsNotTaken) {
  TestCertificateOptions options = Good();
  options.ends = -absl::Minutes(1);
  identity_ = Root().Issue(options);
  const auto page = Get("HTTP/1.0 200 OK\r\n\r\n");
  EXPECT_EQ(page.status().code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(page.status().message()),
              HasSubstr("certificate has expired"));
  EXPECT_EQ(request_, "");
}

TEST_F(HttpsGetTest, AStrangersCertificateIsTakenIfNoneIsAskedFor) {
  const TestAuthority stranger;
  identity_ = stranger.Issue(Good());
  EXPECT_EQ(Get("HTTP/1.0 200 OK\r\n\r\n").status().code(),
            absl::StatusCode::kUnauthenticated);
  client_options_.verify_server = TlsVerification::kNone;
  const auto page = Get("HTTP/1.0 200 OK\r\n\r\n");
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_FALSE(page->tls.peer_verified);
}

TEST(HttpsUrlTest, UrlsAreTakenApart) {
  const auto url = HttpsUrl::Parse("https://a.example:8443/b/c?d=e#f");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->host, "a.example");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->target, "/b/c?d=e");
  EXPECT_EQ(url->HostField(), "a.example:8443");
  EXPECT_EQ(HttpsUrl::Parse("https://a.example")->target, "/");
  EXPECT_EQ(HttpsUrl::Parse("https://a.example?q")->target, "/?q");
  EXPECT_EQ(HttpsUrl::Parse("https://[::1]/")->host, "::1");
  EXPECT_EQ(HttpsUrl::Parse("https://[::1]:80")->HostField(), "[::1]:80");
}

TEST(HttpsUrlTest, NothingElseIsOne) {
  for (const char* text :
       {"", "http://a.example/", "https://", "https:///a", "https://:443/",
        "https://a.example:/", "https://a.example:0/", "https://a:65536/",
        "https://[::1/", "https://[::1]x/", "https://u:p@a.example/",
        "https://u@a.example/", "https://a.example/b c",
        "https://a.example/\r\nX: y"}) {
    EXPECT_EQ(HttpsUrl::Parse(text).status().code(),
              absl::StatusCode::kInvalidArgument)
        << text;
  }
}

}  // namespace
}  // namespace evkit
