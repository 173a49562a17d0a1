// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/examples/http_file_server/http_request.h"

#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;

absl::StatusOr<HttpRequest> ParseTarget(absl::string_view target) {
  return ParseHttpRequest(
      absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: a\r\n\r\n"));
}

TEST(HttpRequestTest, ReadsARequest) {
  const absl::StatusOr<HttpRequest> request = ParseHttpRequest(
      "\r\nGET /a/b.txt?x=1 HTTP/1.1\r\n"
      "Host: example.com\r\n"
      "ACCEPT:*/*\r\n"
      "Connection:  foo , Close\t\r\n"
      "\r\n");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->method, "GET");
  EXPECT_THAT(request->path, ElementsAre("a", "b.txt"));
  EXPECT_EQ(request->minor_version, 1);
  EXPECT_EQ(request->Field("host"), "example.com");
  EXPECT_EQ(request->Field("Accept"), "*/*");
  EXPECT_EQ(request->Field("Range"), std::nullopt);
  EXPECT_TRUE(request->FieldHas("connection", "close"));
  EXPECT_FALSE(request->WantsKeepAlive());
  EXPECT_FALSE(request->HasBody());
}

TEST(HttpRequestTest, CutsThePath) {
  EXPECT_THAT(ParseTarget("/")->path, ElementsAre(""));
  EXPECT_THAT(ParseTarget("/a")->path, ElementsAre("a"));
  EXPECT_THAT(ParseTarget("/a/")->path, ElementsAre("a", ""));
  EXPECT_THAT(ParseTarget("//a//b")->path, ElementsAre("a", "b"));
  EXPECT_THAT(ParseTarget("/./a/.")->path, ElementsAre("a", ""));
  EXPECT_THAT(ParseTarget("/a%20b/%C3%A4")->path, ElementsAre("a b", "ä"));
  EXPECT_THAT(ParseTarget("/a...b/..c")->path, ElementsAre("a...b", "..c"));
  EXPECT_THAT(ParseTarget("http://host/a")->path, ElementsAre("a"));
  EXPECT_THAT(ParseTarget("http://host")->path, ElementsAre(""));
}

TEST(HttpRequestTest, APathNeverLeadsOut) {
  for (const char* target :
       {"/..", "/../a", "/a/../../b", "/%2e%2e/a", "/.%2E/a", "/a%2f..%2f..",
        "/a/..", "/%2e%2e%2fetc/passwd", "/a%00.txt", "http://host/../a"}) {
    EXPECT_TRUE(absl::IsNotFound(ParseTarget(target).status())) << target;
  }
}

TEST(HttpRequestTest, RefusesWhatIsNotARequest) {
  for (const absl::string_view head : {
           "\r\n\r\n",
           "GET /\r\n\r\n",
           "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET / HTTP/1.1\r\n\r\n",  // No Host.
           "G\"T / HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\n continued\r\n\r\n",
           "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: a",
           "GET / JTTP/1.1\r\nHost: a\r\n\r\n",
       }) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseHttpRequest(head).status()))
        << head;
  }
  EXPECT_TRUE(absl::IsUnimplemented(
      ParseHttpRequest("GET / HTTP/2.0\r\n\r\n").status()));
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 100; ++i) many += "A: b\r\n";
  EXPECT_TRUE(
      absl::IsInvalidArgument(ParseHttpRequest(many + "\r\n").status()));
}

TEST(HttpRequestTest, KnowsWhetherTheConnectionStays) {
  const auto stays = [](absl::string_view version, absl::string_view fields) {
    return ParseHttpRequest(absl::StrCat("GET / HTTP/", version,
                                         "\r\nHost: a\r\n", fields, "\r\n"))
        ->WantsKeepAlive();
  };
  EXPECT_TRUE(stays("1.1", ""));
  EXPECT_FALSE(stays("1.1", "Connection: close\r\n"));
  EXPECT_FALSE(stays("1.0", ""));
  EXPECT_TRUE(stays("1.0", "Connection: Keep-Alive\r\n"));
}

TEST(HttpRequestTest, KnowsWhetherThereIsABody) {
  const auto has_body = [](absl::string_view fields) {
    return ParseHttpRequest(
               absl::StrCat("GET / HTTP/1.1\r\nHost: a\r\n", fields, "\r\n"))
        ->HasBody();
  };
  EXPECT_FALSE(has_body("Content-Length: 0\r\n"));
  EXPECT_TRUE(has_body("Content-Length: 1\r\n"));
  EXPECT_TRUE(has_body("Content-Length: 0\r\nContent-Length: 5\r\n"));
  EXPECT_TRUE(has_body("Transfer-Encoding: chunked\r\n"));
}

TEST(HttpRequestTest, WhateverComesIsReadOrRefused) {
  const std::string good =
      "GET /a%20b/../c HTTP/1.1\r\nHost: a\r\nRange: bytes=1-2\r\n\r\n";
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::string head = good;
    for (int changes = 0; changes < 3; ++changes) {
      head[random() % head.size()] = static_cast<char>(random());
    }
    head.resize(random() % 4 == 0 ? random() % head.size() : head.size());
    const absl::StatusOr<HttpRequest> request = ParseHttpRequest(head);
    if (!request.ok()) continue;
    for (const std::string& part : request->path) {
      EXPECT_NE(part, "..");
      EXPECT_EQ(part.find('/'), std::string::npos);
      EXPECT_EQ(part.find('\0'), std::string::npos);
    }
  }
}

TEST(ParseRangeTest, ReadsOneRange) {
  EXPECT_EQ(**ParseRange("bytes=0-0", 10), ByteRange(0, 1));
  EXPECT_EQ(**ParseRange("bytes=2-5", 10), ByteRange(2, 6));
  EXPECT_EQ(**ParseRange("bytes=2-", 10), ByteRange(2, 10));
  EXPECT_EQ(**ParseRange("bytes=2-100", 10), ByteRange(2, 10));
  EXPECT_EQ(**ParseRange("bytes=-3", 10), ByteRange(7, 10));
  EXPECT_EQ(**ParseRange("bytes=-30", 10), ByteRange(0, 10));
  EXPECT_EQ(**ParseRange("bytes=0-18446744073709551615", 10), ByteRange(0, 10));
}

TEST(ParseRangeTest, ARangeOfNothingIsRefused) {
  for (const char* field : {"bytes=10-", "bytes=10-20", "bytes=-0"}) {
    EXPECT_TRUE(absl::IsOutOfRange(ParseRange(field, 10).status())) << field;
  }
  EXPECT_TRUE(absl::IsOutOfRange(ParseRange("bytes=0-", 0).status()));
  EXPECT_TRUE(absl::IsOutOfRange(ParseRange("bytes=-1", 0).status()));
}

TEST(ParseRangeTest, WhatItDoesNotKnowIsIgnored) {
  for (const char* field :
       {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bits=0-1",
        "bytes=0-1,3-4", "bytes=+1-2", "bytes=1- 2", "bytes=--1",
        "bytes=0-18446744073709551616"}) {
    const absl::StatusOr<std::optional<ByteRange>> range =
        ParseRange(field, 10);
    ASSERT_TRUE(range.ok()) << field;
    EXPECT_FALSE(range->has_value()) << field;
  }
}

}  // namespace
}  // namespace evkit
