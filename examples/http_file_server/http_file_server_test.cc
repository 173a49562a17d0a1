// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The server over real connections, in virtual time.

#include "evkit/examples/http_file_server/http_file_server.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/examples/http_file_server/file_tree.h"
#include "evkit/examples/http_file_server/temporary_files.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/streams/open_connection.h"
#include "evkit/net/streams/start_server.h"
#include "evkit/net/streams/stream.h"
#include "evkit/net/tls/fake_tls_context.h"
#include "evkit/net/tls/tls_engine.h"
#include "evkit/net/tls/tls_options.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Response {
 public:
  Response(std::string head_in, std::string body_in)
      : head(std::move(head_in)), body(std::move(body_in)) {}

  // "200 OK".
  std::string status() const { return head.substr(9, head.find('\r') - 9); }
  std::string Field(absl::string_view name) const {
    const size_t at = head.find(absl::StrCat("\r\n", name, ": "));
    if (at == std::string::npos) return "";
    const size_t begin = at + name.size() + 4;
    return head.substr(begin, head.find('\r', begin) - begin);
  }

  std::string head;
  std::string body;
};

Coro<Response> ReadResponse(StreamReader reader, bool has_body = true) {
  std::string head = co_await OrReturn(reader.ReadUntil("\r\n\r\n"));
  Response response(std::move(head), "");
  size_t size = 0;
  if (has_body && absl::SimpleAtoi(response.Field("Content-Length"), &size)) {
    response.body = co_await OrReturn(reader.ReadExactly(size));
  }
  co_return response;
}

// One question on a connection of its own, and whether the server closed it.
Coro<Response> Ask(int port, std::string request) {
  const Stream stream = co_await OrReturn(OpenConnection("127.0.0.1", port));
  co_await OrReturn(stream.writer.Write(request));
  const Response response = co_await OrReturn(
      ReadResponse(stream.reader, !absl::StartsWith(request, "HEAD")));
  stream.writer.Close();
  co_return response;
}

std::string Get(absl::string_view path, absl::string_view fields = "") {
  return absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: a\r\n", fields, "\r\n");
}
Coro<Response> AskFor(int port, std::string path, std::string fields = "") {
  co_return co_await Ask(port, Get(path, fields));
}

class HttpFileServerTest : public ::testing::Test {
 protected:
  HttpFileServerTest() {
    options_.now = [] { return absl::FromUnixSeconds(1764076800); };
    files_.Write("hello.txt", "hello, world\n");
    files_.MakeDirectory("folder");
    files_.Write("folder/a<b.html", "<p>");
  }

  // Runs `test`, a coroutine function that is given the port.
  template <typename Test>
  void Run(Test test) {
    http_ = std::make_shared<HttpFileServer>(*FileTree::Open(files_.root()),
                                             options_);
    const auto serve = [this](StreamReader reader, StreamWriter writer) {
      return HttpFileServer::Serve(http_, std::move(reader), std::move(writer));
    };
    const auto main = [&]() -> Coro<void> {
      StartServerOptions options;
      options.limit = options_.max_head;
      options.tls = tls_;
      server_ = co_await OrReturn(StartServer(serve, "127.0.0.1", 0, options));
      const int port = server_->Sockets()[0].LocalAddress()->port();
      co_await OrReturn(test(port));
      server_->Close();
      server_->AbortClients();
      co_return co_await server_->WaitClosed();
    };
    const absl::Status status = RunUntilComplete(test_.loop(), main());
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(test_.log().empty()) << test_.log()[0];
  }

  TestLoop test_;
  TemporaryFiles files_;
  HttpFileServerOptions options_;
  std::optional<TlsOptions> tls_;
  std::shared_ptr<HttpFileServer> http_;
  std::shared_ptr<Server> server_;
};

TEST_F(HttpFileServerTest, ServesAFile) {
  Run([](int port) -> Coro<void> {
    const Response get = co_await OrReturn(AskFor(port, "/hello.txt"));
    EXPECT_EQ(get.status(), "200 OK");
    EXPECT_EQ(get.body, "hello, world\n");
    EXPECT_EQ(get.Field("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_EQ(get.Field("Content-Length"), "13");
    EXPECT_EQ(get.Field("Date"), "Tue, 25 Nov 2025 13:20:00 GMT");
    EXPECT_EQ(get.Field("Connection"), "keep-alive");
    const Response head = co_await OrReturn(
        Ask(port, "HEAD /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"));
    EXPECT_EQ(head.head, get.head);
    const Response none = co_await OrReturn(AskFor(port, "/none"));
    EXPECT_EQ(none.status(), "404 Not Found");
    co_return absl::OkStatus();
  });
}

TEST_F(HttpFileServerTest, ServesALargeFileWhole) {
  std::string large;
  for (int i = 0; large.size() < (5 << 20); ++i) absl::StrAppend(&large, i);
  files_.Write("large", large);
  options_.portion = 1000000;
  Run([&](int port) -> Coro<void> {
    const Response get = co_await OrReturn(AskFor(port, "/large"));
    EXPECT_TRUE(get.body == large);
    const Response part =
        co_await OrReturn(AskFor(port, "/large", "Range: bytes=1234567-\r\n"));
    EXPECT_TRUE(part.body == large.substr(1234567));
    files_.Write("empty", "");
    const Response empty = co_await OrReturn(AskFor(port, "/empty"));
    EXPECT_EQ(empty.status(), "200 OK");
    co_return absl::OkStatus();
  });
}

TEST_F(HttpFileServerTest, ServesOverTls) {
  const std::shared_ptr<TlsContext> context = NewFakeTlsContext();
  tls_.emplace(context);
  Run([&](int port) -> Coro<void> {
    OpenConnectionOptions options;
    options.tls.emplace(context);
    const Stream stream =
        co_await OrReturn(OpenConnection("127.0.0.1", port, options));
    // No file: threads would read it, and virtual time waits for no thread.
    co_await OrReturn(stream.writer.Write(Get("/")));
    const Response listing = co_await OrReturn(ReadResponse(stream.reader));
    EXPECT_EQ(listing.status(), "200 OK");
    EXPECT_THAT(listing.body, HasSubstr("hello.txt"));
    // The answer arrives although nobody reads what is sent along.
    co_await OrReturn(
        stream.writer.Write(Get("/", "Content-Length: 100000\r\n")));
    co_await OrReturn(stream.writer.Write(std::string(100000, 'x')));
    const Response refused = co_await OrReturn(ReadResponse(stream.reader));
    EXPECT_EQ(refused.status(), "413 Content Too Large");
    const std::string rest = co_await OrReturn(stream.reader.ReadAll());
    EXPECT_EQ(rest, "");
    stream.writer.Close();
    co_return absl::OkStatus();
  });
}

TEST_F(HttpFileServerTest, ServesRanges) {
  Run([](int port) -> Coro<void> {
    const Response part =
        co_await OrReturn(AskFor(port, "/hello.txt", "Range: bytes=7-11\r\n"));
    EXPECT_EQ(part.status(), "206 Partial Content");
    EXPECT_EQ(part.body, "world");
    EXPECT_EQ(part.Field("Content-Range"), "bytes 7-11/13");
    const Response beyond =
        co_await OrReturn(AskFor(port, "/hello.txt", "Range: bytes=13-\r\n"));
    EXPECT_EQ(beyond.status(), "416 Range Not Satisfiable");
    EXPECT_EQ(beyond.Field("Content-Range"), "bytes */13");
    const Response two = co_await OrReturn(
        AskFor(port, "/hello.txt", "Range: bytes=0-1,3-4\r\n"));
    EXPECT_EQ(two.status(), "200 OK");
    const Response changed = co_await OrReturn(AskFor(
        port, "/hello.txt", "Range: bytes=7-11\r\nIf-Range: \"old\"\r\n"));
    EXPECT_EQ(changed.status(), "200 OK");
    co_return absl::OkStatus();
  });
}

TEST_F(HttpFileServerTest, SaysIfNothingHasChanged) {
  Run([](int port) -> Coro<void> {
    const Response get = co_await OrReturn(AskFor(port, "/hello.txt"));
    const std::string tag =
        absl::StrCat("If-None-Match: \"x\", ", get.Field("ETag"), "\r\n");
    const Response same = co_await OrReturn(AskFor(port, "/hello.txt", tag));
    EXPECT_EQ(same.status(), "304 Not Modified");
    const std::string date =
        absl::StrCat("If-Modified-Since: ", get.Field("Last-Modified"), "\r\n");
    const Response not_since =
        co_await OrReturn(AskFor(port, "/hello.txt", date));
    EXPECT_EQ(not_since.status(), "304 Not Modified");
    const Response other = co_await OrReturn(
        AskFor(port, "/hello.txt", "If-None-Match: \"x\"\r\n" + date));
    EXPECT_EQ(other.status(), "200 OK");
    const Response since = co_await OrReturn(
        AskFor(port, "/hello.txt",
               "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n"));
    EXPECT_EQ(since.status(), "200 OK");
    co_return absl::OkStatus();
  });
}

TEST_F(HttpFileServerTest, AConnectionStaysOpenForTheNextRequest) {
  Run([](int port) -> Coro<void> {
    const Stream stream = co_await OrReturn(OpenConnection("127.0.0.1", port));
    co_await OrReturn(stream.writer.Write(
        Get("/hello.txt") + Get("/none") +
        Get("/hello.txt", "Connection: close\r\n") + Get("/hello.txt")));
    const Response first = co_await OrReturn(ReadResponse(stream.reader));
    EXPECT_EQ(first.body, "hello, world\n");
    const Response second = co_await OrReturn(ReadResponse(stream.reader));
    EXPECT_EQ(second.status(), "404 Not Found");
    const Response third = co_await OrReturn(ReadResponse(stream.reader));
    EXPECT_EQ(third.body, "hello, world\n");
    EXPECT_EQ(third.Field("Connection"), "close");
    const absl::StatusOr<std::string> rest = co_await stream.reader.ReadAll();
    EXPECT_EQ(rest.value_or(""), "");
    stream.writer.Close();

    const Response old =
        co_await OrReturn(Ask(port, "GET /hello.txt HTTP/1.0\r\n\r\n"));
    EXPECT_EQ(old.Field("Connection"), "close");
    const Response kept = co_await OrReturn(
        Ask(port, "GET /hello.txt HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
    EXPECT_EQ(kept.Field("Connection"), "keep-alive");
    co_return absl::OkStatus();
  });
}

TEST_F(HttpFileServerTest, ADirectoryIsItsIndexOrAListing) {
  Run([&](int port) -> Coro<void> {
    const Response moved = co_await OrReturn(AskFor(port, "//folder"));
    EXPECT_EQ(moved.status(), "301 Moved Permanently");
    EXPECT_EQ(moved.Field("Location"), "/folder/");
    const Response listing = co_await OrReturn(AskFor(port, "/folder/"));
    EXPECT_EQ(listing.status(), "200 OK");
    EXPECT_THAT(listing.body,
                HasSubstr("<a href=\"./a%3Cb.html\">a&lt;b.html</a>"));
    const Response root = co_await OrReturn(AskFor(port, "/"));
    EXPECT_THAT(root.body, HasSubstr("<a href=\"./folder/\">folder/</a>"));
    files_.Write("folder/index.html", "<h1>hello</h1>");
    const Response index = co_await OrReturn(AskFor(port, "/folder/"));
    EXPECT_EQ(index.body, "<h1>hello</h1>");
    EXPECT_EQ(index.Field("Content-Type"), "text/html; charset=utf-8");
    const Response slash = co_await OrReturn(AskFor(port, "/hello.txt/"));
    EXPECT_EQ(slash.status(), "404 Not Found");
    co_return absl::OkStatus();
  });
}

TEST_F(HttpFileServerTest, NothingOutsideOfTheRootIsServed) {
  files_.Link("/etc", "etc");
  files_.Link("/etc/passwd", "passwd");
  Run([](int port) -> Coro<void> {
    for (const char* path :
         {"/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
          "/..%2f..%2fetc%2fpasswd", "/folder/../../etc/passwd", "/passwd",
          "/etc/passwd", "//etc/passwd", "/folder/..%00/"}) {
      const Response response = co_await OrReturn(AskFor(port, path));
      EXPECT_EQ(response.status(), "404 Not Found") << path;
      EXPECT_THAT(response.body, Not(HasSubstr("root:")));
    }
    co_return absl::OkStatus();
  });
}

TEST_F(HttpFileServerTest, WhatItDoesNotUnderstandEndsTheConnection) {
  Run([](int port) -> Coro<void> {
    const auto status = [port](std::string request) -> Coro<std::string> {
      const Response response =
          co_await OrReturn(Ask(port, std::move(request)));
      EXPECT_EQ(response.Field("Connection"), "close");
      co_return response.status();
    };
    const auto expect = [&](std::string request,
                            std::string expected) -> Coro<void> {
      const std::string actual = co_await OrReturn(status(request));
      EXPECT_EQ(actual, expected);
      co_return absl::OkStatus();
    };
    co_await OrReturn(expect("nonsense\r\n\r\n", "400 Bad Request"));
    co_await OrReturn(
        expect("POST / HTTP/1.1\r\nHost: a\r\n\r\n", "405 Method Not Allowed"));
    co_await OrReturn(
        expect(Get("/", "Content-Length: 5\r\n"), "413 Content Too Large"));
    co_await OrReturn(
        expect("GET / HTTP/3.0\r\n\r\n", "505 HTTP Version Not Supported"));
    co_await OrReturn(expect(Get("/", "A: " + std::string(20000, 'x') + "\r\n"),
                             "431 Request Header Fields Too Large"));
    // Without an end, and more than the sockets hold.
    co_await OrReturn(expect("GET /" + std::string(500000, 'x'),
                             "431 Request Header Fields Too Large"));
    co_return absl::OkStatus();
  });
}

TEST_F(HttpFileServerTest, bug_H18_AHeadThatComesByteByByteMustComeInTime) {
  Run([this](int port) -> Coro<void> {
    const Stream stream = co_await OrReturn(OpenConnection("127.0.0.1", port));
    const absl::Duration began = test_.elapsed();
    const std::string request = Get("/hello.txt");
    for (const char c : request) {
      co_await OrReturn(stream.writer.Write(absl::string_view(&c, 1)));
      co_await OrReturn(Sleep(absl::Seconds(1)));
      if (!stream.reader.buffered().empty()) break;
    }
    EXPECT_LE(test_.elapsed() - began, absl::Seconds(11));
    const Response response = co_await OrReturn(ReadResponse(stream.reader));
    EXPECT_EQ(response.status(), "408 Request Timeout");
    stream.writer.Close();
    co_return absl::OkStatus();
  });
}

TEST_F(HttpFileServerTest, AnIdleConnectionIsClosed) {
  Run([this](int port) -> Coro<void> {
    const Stream stream = co_await OrReturn(OpenConnection("127.0.0.1", port));
    co_await OrReturn(stream.writer.Write(Get("/hello.txt")));
    co_await OrReturn(ReadResponse(stream.reader));
    const absl::Duration began = test_.elapsed();
    const std::string rest = co_await OrReturn(stream.reader.ReadAll());
    EXPECT_EQ(rest, "");
    EXPECT_EQ(test_.elapsed() - began, options_.idle_timeout);
    stream.writer.Close();
    co_return absl::OkStatus();
  });
}

TEST_F(HttpFileServerTest, WhoDoesNotReadIsCutOff) {
  files_.Write("large", std::string(64 << 20, 'x'));
  Run([this](int port) -> Coro<void> {
    const Stream stream = co_await OrReturn(OpenConnection("127.0.0.1", port));
    stream.writer.transport()->PauseReading();
    co_await OrReturn(stream.writer.Write(Get("/large")));
    co_await OrReturn(Sleep(absl::Milliseconds(1)));
    EXPECT_EQ(server_->client_count(), 1u);
    // Its socket stays open until what was written is sent, or given up.
    co_await OrReturn(Sleep(options_.portion_timeout + absl::Seconds(1)));
    EXPECT_EQ(server_->client_count(), 0u);
    stream.writer.transport()->Abort();
    co_return absl::OkStatus();
  });
}

TEST_F(HttpFileServerTest, ThereIsALimitOfConnections) {
  options_.max_connections = 1;
  Run([](int port) -> Coro<void> {
    const Stream first = co_await OrReturn(OpenConnection("127.0.0.1", port));
    co_await OrReturn(first.writer.Write(Get("/hello.txt")));
    co_await OrReturn(ReadResponse(first.reader));
    const Response refused = co_await OrReturn(AskFor(port, "/hello.txt"));
    EXPECT_EQ(refused.status(), "503 Service Unavailable");
    first.writer.Close();
    co_await OrReturn(first.writer.WaitClosed());
    co_await OrReturn(Sleep(absl::Milliseconds(1)));
    const Response served = co_await OrReturn(AskFor(port, "/hello.txt"));
    EXPECT_EQ(served.status(), "200 OK");
    co_return absl::OkStatus();
  });
}

TEST_F(HttpFileServerTest, AShutdownLetsAnswersEnd) {
  const std::string large(16 << 20, 'x');
  files_.Write("large", large);
  Run([&](int port) -> Coro<void> {
    const Stream idle = co_await OrReturn(OpenConnection("127.0.0.1", port));
    const Stream busy = co_await OrReturn(OpenConnection("127.0.0.1", port));
    co_await OrReturn(busy.writer.Write(Get("/large") + Get("/large")));
    // It has begun to come.
    co_await OrReturn(busy.reader.WaitForMore(0));
    server_->Close();
    http_->Shutdown();
    const absl::Duration began = test_.elapsed();
    const std::string nothing = co_await OrReturn(idle.reader.ReadAll());
    EXPECT_EQ(nothing, "");
    const Response answer = co_await OrReturn(ReadResponse(busy.reader));
    EXPECT_EQ(answer.body.size(), large.size());
    idle.writer.Close();
    co_await OrReturn(server_->WaitClosed());
    EXPECT_EQ(test_.elapsed(), began);
    busy.writer.Close();
    co_return absl::OkStatus();
  });
}

}  // namespace
}  // namespace evkit
