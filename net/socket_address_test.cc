// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/socket_address.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/hash/hash_testing.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::HasSubstr;

constexpr size_t kPathOffset = offsetof(sockaddr_un, sun_path);

// A name of the abstract namespace, as `Unix()` takes it.
std::string AbstractName(absl::string_view name) {
  return absl::StrCat(absl::string_view("\0", 1), name);
}

absl::StatusCode CodeOfParse(absl::string_view text) {
  return SocketAddress::Parse(text).status().code();
}

TEST(SocketAddressTest, WhatIsParsedIsPrintedAgain) {
  for (const char* text : {
           "127.0.0.1:80",
           "0.0.0.0:0",
           "255.255.255.255:65535",
           "[::]:0",
           "[::1]:80",
           "[2001:db8::1]:65535",
           "[::ffff:1.2.3.4]:5",
           "[fe80::1%lo]:8080",
           "unix:/run/a.sock",
           "unix:a",
           "unix:relative/path with space",
           "unix:@name",
           "unix:@",
           "unix:@a\\x00b\\x5c\\xff",
       }) {
    const absl::StatusOr<SocketAddress> address = SocketAddress::Parse(text);
    ASSERT_TRUE(address.ok()) << text << ": " << address.status();
    EXPECT_EQ(address->ToString(), text);
  }
}

TEST(SocketAddressTest, OtherSpellingsArePrintedInTheUsualOne) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[0:0:0:0:0:0:0:1]:1", "[::1]:1"},
      {"[2001:DB8::A]:1", "[2001:db8::a]:1"},
      {"127.0.0.1:00080", "127.0.0.1:80"},
      {"unix:@\\x61", "unix:@a"},
      {absl::StrCat("[fe80::1%", if_nametoindex("lo"), "]:1"),
       "[fe80::1%lo]:1"},
      {"[fe80::1%4294967295]:1", "[fe80::1%4294967295]:1"},
      {"[fe80::1%0]:1", "[fe80::1]:1"},
  };
  for (const auto& [text, printed] : cases) {
    const absl::StatusOr<SocketAddress> address = SocketAddress::Parse(text);
    ASSERT_TRUE(address.ok()) << text << ": " << address.status();
    EXPECT_EQ(address->ToString(), printed);
  }
}

TEST(SocketAddressTest, WhatIsNoAddressIsRefused) {
  for (const char* text : {
           "",
           ":",
           "[",
           "[]",
           "[]:",
           "[]:80",
           "80",
           ":80",
           "localhost:80",
           "127.0.0.1",
           "127.0.0.1:",
           "127.0.0.1: 80",
           "127.0.0.1:80 ",
           "127.0.0.1:+80",
           "127.0.0.1:-1",
           "127.0.0.1:0x50",
           "127.0.0.1:65536",
           "127.0.0.1:000080",
           "127.0.0.1:99999999999999999999",
           "127.0.0.1:80:80",
           "127.1:80",
           "127.0.0:80",
           "127.0.0.01:80",
           "127.0.0.256:80",
           "127.0.0.1%lo:80",
           "0x7f000001:80",
           "2130706433:80",
           "0177.0.0.1:80",
           "::1:80",
           "::1",
           "[::1]",
           "[::1]80",
           "[::1]:",
           "[127.0.0.1]:80",
           "[:::]:80",
           "[1::2::3]:80",
           "[::1]]:80",
           "unix:",
           "unix:@\\",
           "unix:@\\x",
           "unix:@\\x1",
           "unix:@\\y00",
           "unix:@\\xg0",
       }) {
    EXPECT_EQ(CodeOfParse(text), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(SocketAddressTest, AnInterfaceThatDoesNotExistIsNotFound) {
  for (const char* text :
       {"[fe80::1%]:80", "[fe80::1%nosuchif]:80", "[fe80::1%4294967296]:80",
        "[fe80::1%name-longer-than-any-interface]:80", "[fe80::1%-1]:80",
        "[fe80::1%lo%lo]:80"}) {
    EXPECT_EQ(CodeOfParse(text), absl::StatusCode::kNotFound) << text;
  }
}

TEST(SocketAddressTest, AScopeIsTheIndexOfAnInterface) {
  const unsigned lo = if_nametoindex("lo");
  ASSERT_NE(lo, 0u);
  const absl::StatusOr<SocketAddress> by_name =
      SocketAddress::FromIp("fe80::1%lo", 80);
  ASSERT_TRUE(by_name.ok()) << by_name.status();
  EXPECT_EQ(by_name->scope_id(), lo);
  EXPECT_EQ(by_name->host(), "fe80::1%lo");
  EXPECT_EQ(*by_name, *SocketAddress::FromIp(absl::StrCat("fe80::1%", lo), 80));
  EXPECT_FALSE(*by_name == *SocketAddress::FromIp("fe80::1", 80));
  EXPECT_EQ(SocketAddress::LoopbackIPv4(1).scope_id(), 0u);
}

// H20
TEST(SocketAddressTest, bug_H20_HostilePortsAndHostsAreRefusedAndNeverCut) {
  for (const int port : {-1, -65536, 65536, 1 << 30}) {
    EXPECT_EQ(SocketAddress::FromIp("127.0.0.1", port).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  for (const char* host :
       {"0x7f000001", "0x7f.0.0.1", "017700000001", "2130706433", "127.1",
        "127.0.0.1 ", " 127.0.0.1", "127.0.0.1\n", "1.2.3.4.5", "localhost"}) {
    EXPECT_EQ(SocketAddress::FromIp(host, 1).status().code(),
              absl::StatusCode::kInvalidArgument)
        << host;
  }
  // What a resolver that cuts names would have taken for an address.
  for (const size_t size : {255, 256, 257, 65536}) {
    for (const char* number : {"127.0.0.1", "::1"}) {
      std::string host = number;
      host.resize(size, '\0');
      EXPECT_EQ(SocketAddress::FromIp(host, 1).status().code(),
                absl::StatusCode::kInvalidArgument);
      host = std::string(size, '0') + number;
      EXPECT_EQ(SocketAddress::FromIp(host, 1).status().code(),
                absl::StatusCode::kInvalidArgument);
    }
  }
}

// H17
TEST(SocketAddressTest, bug_H17_ALongUnixPathIsRefusedAndNeverCut) {
  const absl::StatusOr<SocketAddress> longest =
      SocketAddress::Unix(std::string(107, 'x'));
  ASSERT_TRUE(longest.ok()) << longest.status();
  EXPECT_EQ(longest->path(), std::string(107, 'x'));
  EXPECT_EQ(longest->size(), sizeof(sockaddr_un));
  EXPECT_EQ(*SocketAddress::FromSockaddr(longest->data(), longest->size()),
            *longest);

  const absl::Status too_long =
      SocketAddress::Unix(std::string(108, 'x')).status();
  EXPECT_EQ(too_long.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(too_long.message(), HasSubstr("108 bytes, and may have 107"));
  EXPECT_EQ(SocketAddress::Unix("").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      SocketAddress::Unix(absl::string_view("/run\0/a", 7)).status().code(),
      absl::StatusCode::kInvalidArgument);
}

// H17
TEST(SocketAddressTest, bug_H17_EveryByteOfAnAbstractNameCounts) {
  const std::string name = AbstractName(absl::string_view("a\0b\0", 4));
  const absl::StatusOr<SocketAddress> address = SocketAddress::Unix(name);
  ASSERT_TRUE(address.ok()) << address.status();
  EXPECT_TRUE(address->is_abstract());
  EXPECT_EQ(address->path(), name);
  EXPECT_EQ(address->size(), kPathOffset + 5);
  EXPECT_EQ(address->ToString(), "unix:@a\\x00b\\x00");
  EXPECT_EQ(*SocketAddress::FromSockaddr(address->data(), address->size()),
            *address);
  EXPECT_FALSE(*address == *SocketAddress::Unix(AbstractName("a")));

  EXPECT_TRUE(SocketAddress::Unix(AbstractName(std::string(107, 'x'))).ok());
  EXPECT_EQ(
      SocketAddress::Unix(AbstractName(std::string(108, 'x'))).status().code(),
      absl::StatusCode::kInvalidArgument);
}

TEST(SocketAddressTest, AFileWhoseNameBeginsLikeAnAbstractOneIsNotOne) {
  const SocketAddress file = *SocketAddress::Unix("@name");
  EXPECT_FALSE(file.is_abstract());
  EXPECT_EQ(file.ToString(), "unix:./@name");
  EXPECT_EQ(SocketAddress::Parse(file.ToString())->path(), "./@name");
}

TEST(SocketAddressTest, AnAddressOfTheKernelIsTakenAsItIs) {
  sockaddr_un full = {};
  full.sun_family = AF_UNIX;
  std::memset(full.sun_path, 'x', sizeof(full.sun_path));
  const auto* const address = reinterpret_cast<const sockaddr*>(&full);
  // Without a NUL at the end, as Linux allows.
  EXPECT_EQ(SocketAddress::FromSockaddr(address, sizeof(full))->path(),
            std::string(108, 'x'));
  // And with one that Linux counts behind it.
  EXPECT_EQ(SocketAddress::FromSockaddr(address, sizeof(full) + 1)->path(),
            std::string(108, 'x'));
  EXPECT_EQ(SocketAddress::FromSockaddr(address, kPathOffset + 3)->path(),
            "xxx");
  const absl::StatusOr<SocketAddress> unnamed =
      SocketAddress::FromSockaddr(address, kPathOffset);
  ASSERT_TRUE(unnamed.ok()) << unnamed.status();
  EXPECT_EQ(unnamed->family(), AF_UNIX);
  EXPECT_EQ(unnamed->path(), "");
  EXPECT_FALSE(unnamed->is_abstract());
  EXPECT_EQ(
      SocketAddress::FromSockaddr(address, sizeof(full) + 2).status().code(),
      absl::StatusCode::kInvalidArgument);
}

TEST(SocketAddressTest, ALengthThatDoesNotFitTheFamilyIsRefused) {
  sockaddr_storage storage = {};
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  EXPECT_EQ(SocketAddress::FromSockaddr(nullptr, 0)->family(), AF_UNSPEC);
  EXPECT_EQ(SocketAddress::FromSockaddr(address, 2)->family(), AF_UNSPEC);
  EXPECT_EQ(SocketAddress::FromSockaddr(address, 1).status().code(),
            absl::StatusCode::kInvalidArgument);
  address->sa_family = AF_INET;
  for (const socklen_t length : {2u, 15u, 129u}) {
    EXPECT_EQ(SocketAddress::FromSockaddr(address, length).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(SocketAddress::FromSockaddr(address, 16)->ToString(), "0.0.0.0:0");
  address->sa_family = AF_INET6;
  for (const socklen_t length : {16u, 27u, 129u}) {
    EXPECT_EQ(SocketAddress::FromSockaddr(address, length).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(SocketAddress::FromSockaddr(address, 28)->ToString(), "[::]:0");
  address->sa_family = AF_NETLINK;
  EXPECT_EQ(SocketAddress::FromSockaddr(address, 12).status().code(),
            absl::StatusCode::kUnimplemented);
}

TEST(SocketAddressTest, PaddingDoesNotMakeADifference) {
  sockaddr_in v4 = {};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(80);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::memset(v4.sin_zero, 0x55, sizeof(v4.sin_zero));
  EXPECT_EQ(*SocketAddress::FromSockaddr(reinterpret_cast<sockaddr*>(&v4),
                                         sizeof(v4)),
            SocketAddress::LoopbackIPv4(80));
}

TEST(SocketAddressTest, PartsCanBeAskedFor) {
  const SocketAddress v4 = *SocketAddress::FromIp("10.1.2.3", 81);
  EXPECT_EQ(v4.family(), AF_INET);
  EXPECT_EQ(v4.host(), "10.1.2.3");
  EXPECT_EQ(v4.port(), 81);
  EXPECT_EQ(v4.path(), "");
  EXPECT_EQ(v4.WithPort(82).ToString(), "10.1.2.3:82");
  EXPECT_EQ(SocketAddress::AnyIPv6(1).WithPort(2).ToString(), "[::]:2");
  EXPECT_EQ(SocketAddress::AnyIPv4(3).ToString(), "0.0.0.0:3");
  EXPECT_EQ(SocketAddress::LoopbackIPv6(4).ToString(), "[::1]:4");
  const SocketAddress path = *SocketAddress::Unix("/a");
  EXPECT_EQ(path.port(), 0);
  EXPECT_EQ(path.host(), "");
  EXPECT_EQ(SocketAddress().ToString(), "no address");
  EXPECT_EQ(SocketAddress().size(), 0u);
}

TEST(SocketAddressDeathTest, OnlyAnInternetAddressHasAPort) {
  EXPECT_DEATH(SocketAddress::Unix("/a")->WithPort(1).ToString(),
               "only internet addresses have a port");
}

TEST(SocketAddressTest, CopiesAndMovesKeepTheValueAndLeaveNothing) {
  for (const SocketAddress& original :
       {SocketAddress(), SocketAddress::LoopbackIPv4(80),
        SocketAddress::LoopbackIPv6(80), *SocketAddress::Unix("/run/a"),
        *SocketAddress::Unix(AbstractName("a"))}) {
    SocketAddress copy = original;
    EXPECT_EQ(copy, original);
    SocketAddress moved = std::move(copy);
    EXPECT_EQ(moved, original);
    EXPECT_EQ(copy, SocketAddress());  // NOLINT(bugprone-use-after-move)
    copy = moved;
    EXPECT_EQ(copy, original);
    SocketAddress& same = copy;
    copy = same;
    EXPECT_EQ(copy, original);
    copy = std::move(same);
    EXPECT_EQ(copy, original);
    copy = *SocketAddress::Unix("/other");
    copy = std::move(moved);
    EXPECT_EQ(copy, original);
  }
}

TEST(SocketAddressTest, EqualAddressesHashAlikeAndOthersDoNot) {
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly({
      SocketAddress(),
      SocketAddress::LoopbackIPv4(80),
      SocketAddress::LoopbackIPv4(81),
      SocketAddress::LoopbackIPv6(80),
      SocketAddress::IPv6(in6addr_loopback, 80, 1),
      *SocketAddress::Unix("/a"),
      *SocketAddress::Unix("/b"),
      *SocketAddress::Unix(AbstractName("")),
      *SocketAddress::Unix(AbstractName("a")),
      *SocketAddress::Unix(AbstractName(absl::string_view("a\0", 2))),
  }));
}

// What a text or some bytes are taken for is printed, read and compared without
// loss.
void ExpectConsistent(const SocketAddress& address) {
  const std::string text = address.ToString();
  EXPECT_EQ(SocketAddress(address), address);
  const absl::StatusOr<SocketAddress> same =
      SocketAddress::FromSockaddr(address.data(), address.size());
  ASSERT_TRUE(same.ok()) << text << ": " << same.status();
  EXPECT_EQ(*same, address) << text;
}

// H20: a fuzzer's job, in small.
TEST(SocketAddressTest, bug_H20_RandomTextIsParsedOrRefused) {
  std::mt19937 random(1);
  const absl::string_view pieces[] = {
      "127.0.0.1", "::1", "fe80::", "[", "]", ":",   "%",     "lo", "80",
      "65535",     ".",   "unix:",  "@", "/", "\\x", "\\x00", "0x", "a"};
  int parsed = 0;
  for (int i = 0; i < 100000; ++i) {
    std::string text;
    for (unsigned n = random() % 7; n > 0; --n) {
      if (random() % 8 == 0) {
        text += static_cast<char>(random());
      } else {
        text.append(pieces[random() % std::size(pieces)]);
      }
    }
    const absl::StatusOr<SocketAddress> address = SocketAddress::Parse(text);
    if (!address.ok()) continue;
    ++parsed;
    ExpectConsistent(*address);
    const absl::StatusOr<SocketAddress> again =
        SocketAddress::Parse(address->ToString());
    ASSERT_TRUE(again.ok()) << text << ": " << again.status();
    EXPECT_EQ(*again, *address) << text;
  }
  EXPECT_GT(parsed, 100);
}

// H20
TEST(SocketAddressTest, bug_H20_RandomBytesAreAnAddressOrRefused) {
  std::mt19937 random(1);
  int taken = 0;
  for (int i = 0; i < 100000; ++i) {
    // A copy of the exact length, so that reading behind it is seen.
    const size_t length = random() % (sizeof(sockaddr_storage) + 8);
    std::vector<char> bytes(length);
    for (char& byte : bytes) byte = static_cast<char>(random());
    const uint16_t family = std::vector<uint16_t>{
        AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6, AF_PACKET}[random() % 5];
    if (length >= sizeof(family)) {
      std::memcpy(bytes.data(), &family, sizeof(family));
    }
    const absl::StatusOr<SocketAddress> address = SocketAddress::FromSockaddr(
        reinterpret_cast<const sockaddr*>(bytes.data()),
        static_cast<socklen_t>(length));
    if (!address.ok()) continue;
    ++taken;
    ExpectConsistent(*address);
  }
  EXPECT_GT(taken, 1000);
}

}  // namespace
}  // namespace evkit
